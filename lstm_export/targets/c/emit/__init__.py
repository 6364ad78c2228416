"""A model as C text: the chain, its constants, the header, the README, around the runtime beside this folder."""
