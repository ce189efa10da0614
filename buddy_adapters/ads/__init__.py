"""Ad networks: one folder a network, each proving in that network's own way that an ad was watched."""
