"""Which licences hold, what windows sell, certificates, and how a book of rights may change."""
