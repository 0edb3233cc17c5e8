"""How steep a net is: proven bounds from above, slopes that it reaches from below."""
