"""What the flow tests share: processes, peers that do as they are told, and what is asked of them."""
