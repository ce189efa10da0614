"""Every page with sample values, to look at without a service: `python -m tests.web.samples OUTDIR`."""
