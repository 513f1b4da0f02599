"""The creator's pages, by subject: jobs, settings, uploads, downloads. A stranger's job does not exist here: 404."""
