"""The money and access core of a streaming service, as pure rules and ports."""
