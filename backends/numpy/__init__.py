"""The device ``numpy``: the reference backend, the living specification of the contract."""
