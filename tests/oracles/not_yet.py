"""The topics and provider groups that no code answers yet: the one place that lists them.

Their cases are counted and printed in each run, but not run. Building one means writing
its adapter and deleting its name here; a name that is both built and listed fails.
"""

TOPICS = frozenset(
    {
        "coupons",
        "identifiers",
        "invoice_numbering",
        "proration",
        "statement_export",
        "tax_invoice",
        "tax_rates",
    }
)

GROUPS = {
    "provider_vectors": frozenset(
        {
            "akamai",
            "axinom",
            "bunny_hmac",
            "bunny_sha256",
            "cashfree",
            "cat",
            "clearkey",
            "cloudflare_hmac",
            "cloudfront",
            "cmcd",
            "content_steering",
            "drm_boxes",
            "fastly",
            "hls_interstitial",
            "pallycon",
            "paytabs",
            "razorpay",
            "s3_presign",
            "stripe_webhook",
            "telr",
            "vast",
        }
    )
}
