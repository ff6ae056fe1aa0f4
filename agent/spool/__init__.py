"""The durable queue: what is measured is kept until a receipt says otherwise."""
