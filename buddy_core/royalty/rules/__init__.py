"""From facts and terms to statements: attribution, sharing, settling, and what each figure came from."""
