"""The structural causal models of the DCM paper."""
