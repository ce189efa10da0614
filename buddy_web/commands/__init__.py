"""The commands of `buddy` for staff matters, a file a subject; `buddy_web.cli` puts them together."""
