"""What a method fulfils and builds on: the contract, skeletons by node and jointly, columns, the registry."""
