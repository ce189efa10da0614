"""The demo: its catalogue as data, and the media made from it."""
