"""What the flow tests share: processes, and peers that do as they are told."""
