"""Every page with sample values, to look at without a service: `python -m buddy_web.preview OUTDIR`."""
