"""Paying out on chains. Only the background process signs and sends; nothing here is imported by pages."""
