"""From a request to rows of the inbox: the door takes it, `prepared` reads it, the inbox stores and receipts it."""
