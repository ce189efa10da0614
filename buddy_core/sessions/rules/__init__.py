"""Pure decisions: how sessions live, tokens are rotated, tries are counted and codes are used."""
