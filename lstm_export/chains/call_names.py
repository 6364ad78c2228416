"""Names of torch calls that a recording treats in a way of their own."""

from __future__ import annotations

# Questions about a tensor that are answered without its values.
ASKS = frozenset(
    [
        "__format__",
        "__hash__",
        "__len__",
        "__repr__",
        "__str__",
        "_backward_hooks",
        "_version",
        "device",
        "dim",
        "dtype",
        "element_size",
        "get_device",
        "grad",
        "grad_fn",
        "has_names",
        "is_complex",
        "is_conj",
        "is_contiguous",
        "is_cuda",
        "is_floating_point",
        "is_inference",
        "is_leaf",
        "is_meta",
        "is_mkldnn",
        "is_nested",
        "is_quantized",
        "is_signed",
        "is_sparse",
        "itemsize",
        "layout",
        "names",
        "nbytes",
        "ndim",
        "ndimension",
        "nelement",
        "numel",
        "requires_grad",
        "requires_grad_",
        "shape",
        "size",
        "storage_offset",
        "stride",
    ]
)

# What takes from its input the shape and the type alone.
LIKE = frozenset(
    [
        "empty_like",
        "full_like",
        "new_empty",
        "new_full",
        "new_ones",
        "new_zeros",
        "ones_like",
        "rand_like",
        "randint_like",
        "randn_like",
        "zeros_like",
    ]
)

# What makes values that are others at the next call, or none at all.
RANDOM = frozenset(
    [
        "bernoulli",
        "empty",
        "empty_like",
        "exponential",
        "multinomial",
        "new_empty",
        "normal",
        "poisson",
        "rand",
        "rand_like",
        "randint",
        "randint_like",
        "randn",
        "randn_like",
        "random",
        "randperm",
        "uniform",
    ]
)
