"""A model as C text: chain, constants, header and README, around the runtime."""
