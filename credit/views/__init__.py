"""The Credit pages, one module per page. Each viewer sees their own; there is no address for another's."""
