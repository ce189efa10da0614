"""Terms, facts, results and sealed statements as files: their forms, and how they are read and written."""
