"""Payments by chain: nodes are read (`evm`, `aptos`), outside transactions, and what they show is handed to the services."""
