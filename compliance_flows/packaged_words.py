"""A module beside the flow: it has to travel with it."""

WORD = "as deployed"
