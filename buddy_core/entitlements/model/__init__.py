"""What a decision looks at, what it answers, and grants as they are stored."""
