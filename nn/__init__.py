"""Neural networks: modules, containers, layers, losses, under PyTorch's names.

The layers that few programs use are imported on their first use.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

from hotplug.nn import functional, init, utils
from hotplug.nn.activation import (
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softmin,
    Softplus,
    Softshrink,
    Softsign,
    Tanh,
    Tanhshrink,
    Threshold,
)
from hotplug.nn.container import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from hotplug.nn.conv import Conv1d, Conv2d, Conv3d
from hotplug.nn.dropout import Dropout, Dropout1d, Dropout2d, Dropout3d
from hotplug.nn.flatten import Flatten, Unflatten
from hotplug.nn.linear import Bilinear, Identity, Linear
from hotplug.nn.loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CosineEmbeddingLoss,
    CrossEntropyLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
)
from hotplug.nn.module import Module
from hotplug.nn.norm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    GroupNorm,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    LayerNorm,
    RMSNorm,
)
from hotplug.nn.parameter import Buffer, Parameter
from hotplug.nn.pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from hotplug.nn.sparse import Embedding

if TYPE_CHECKING:
    from hotplug.nn import modules as modules, parallel as parallel
    from hotplug.nn.adaptive import AdaptiveLogSoftmaxWithLoss as AdaptiveLogSoftmaxWithLoss
    from hotplug.nn.attention import MultiheadAttention as MultiheadAttention
    from hotplug.nn.channel_norm import (
        CrossMapLRN2d as CrossMapLRN2d,
        LocalResponseNorm as LocalResponseNorm,
        Softmax2d as Softmax2d,
    )
    from hotplug.nn.conv_transpose import (
        ConvTranspose1d as ConvTranspose1d,
        ConvTranspose2d as ConvTranspose2d,
        ConvTranspose3d as ConvTranspose3d,
    )
    from hotplug.nn.data_parallel import DataParallel as DataParallel
    from hotplug.nn.distance import CosineSimilarity as CosineSimilarity, PairwiseDistance as PairwiseDistance
    from hotplug.nn.embedding_bag import EmbeddingBag as EmbeddingBag
    from hotplug.nn.fold import Fold as Fold, Unfold as Unfold
    from hotplug.nn.fractional_pooling import (
        FractionalMaxPool2d as FractionalMaxPool2d,
        FractionalMaxPool3d as FractionalMaxPool3d,
    )
    from hotplug.nn.lazy import (
        LazyBatchNorm1d as LazyBatchNorm1d,
        LazyBatchNorm2d as LazyBatchNorm2d,
        LazyBatchNorm3d as LazyBatchNorm3d,
        LazyConv1d as LazyConv1d,
        LazyConv2d as LazyConv2d,
        LazyConv3d as LazyConv3d,
        LazyConvTranspose1d as LazyConvTranspose1d,
        LazyConvTranspose2d as LazyConvTranspose2d,
        LazyConvTranspose3d as LazyConvTranspose3d,
        LazyInstanceNorm1d as LazyInstanceNorm1d,
        LazyInstanceNorm2d as LazyInstanceNorm2d,
        LazyInstanceNorm3d as LazyInstanceNorm3d,
        LazyLinear as LazyLinear,
        UninitializedBuffer as UninitializedBuffer,
        UninitializedParameter as UninitializedParameter,
    )
    from hotplug.nn.likelihood_loss import (
        CTCLoss as CTCLoss,
        GaussianNLLLoss as GaussianNLLLoss,
        NLLLoss2d as NLLLoss2d,
        PoissonNLLLoss as PoissonNLLLoss,
    )
    from hotplug.nn.margin_loss import (
        HingeEmbeddingLoss as HingeEmbeddingLoss,
        MarginRankingLoss as MarginRankingLoss,
        MultiLabelMarginLoss as MultiLabelMarginLoss,
        MultiLabelSoftMarginLoss as MultiLabelSoftMarginLoss,
        MultiMarginLoss as MultiMarginLoss,
        SoftMarginLoss as SoftMarginLoss,
        TripletMarginLoss as TripletMarginLoss,
        TripletMarginWithDistanceLoss as TripletMarginWithDistanceLoss,
    )
    from hotplug.nn.noise import (
        AlphaDropout as AlphaDropout,
        FeatureAlphaDropout as FeatureAlphaDropout,
        RReLU as RReLU,
    )
    from hotplug.nn.padding import (
        CircularPad1d as CircularPad1d,
        CircularPad2d as CircularPad2d,
        CircularPad3d as CircularPad3d,
        ConstantPad1d as ConstantPad1d,
        ConstantPad2d as ConstantPad2d,
        ConstantPad3d as ConstantPad3d,
        ReflectionPad1d as ReflectionPad1d,
        ReflectionPad2d as ReflectionPad2d,
        ReflectionPad3d as ReflectionPad3d,
        ReplicationPad1d as ReplicationPad1d,
        ReplicationPad2d as ReplicationPad2d,
        ReplicationPad3d as ReplicationPad3d,
        ZeroPad1d as ZeroPad1d,
        ZeroPad2d as ZeroPad2d,
        ZeroPad3d as ZeroPad3d,
    )
    from hotplug.nn.recurrent import GRU as GRU, LSTM as LSTM, RNN as RNN, RNNBase as RNNBase
    from hotplug.nn.recurrent_cells import (
        GRUCell as GRUCell,
        LSTMCell as LSTMCell,
        RNNCell as RNNCell,
        RNNCellBase as RNNCellBase,
    )
    from hotplug.nn.synchronized_norm import SyncBatchNorm as SyncBatchNorm
    from hotplug.nn.transformer import (
        Transformer as Transformer,
        TransformerDecoder as TransformerDecoder,
        TransformerEncoder as TransformerEncoder,
    )
    from hotplug.nn.transformer_layers import (
        TransformerDecoderLayer as TransformerDecoderLayer,
        TransformerEncoderLayer as TransformerEncoderLayer,
    )
    from hotplug.nn.unpooling import (
        LPPool1d as LPPool1d,
        LPPool2d as LPPool2d,
        LPPool3d as LPPool3d,
        MaxUnpool1d as MaxUnpool1d,
        MaxUnpool2d as MaxUnpool2d,
        MaxUnpool3d as MaxUnpool3d,
    )
    from hotplug.nn.upsampling import (
        ChannelShuffle as ChannelShuffle,
        PixelShuffle as PixelShuffle,
        PixelUnshuffle as PixelUnshuffle,
        Upsample as Upsample,
        UpsamplingBilinear2d as UpsamplingBilinear2d,
        UpsamplingNearest2d as UpsamplingNearest2d,
    )

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "GRU", "LSTM", "RNN", "SELU", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d", "AdaptiveLogSoftmaxWithLoss", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d",
    "AlphaDropout", "AvgPool1d", "AvgPool2d", "AvgPool3d", "BCELoss", "BCEWithLogitsLoss", "BatchNorm1d", "BatchNorm2d",
    "BatchNorm3d", "Bilinear", "Buffer", "CTCLoss", "ChannelShuffle", "CircularPad1d", "CircularPad2d", "CircularPad3d",
    "ConstantPad1d", "ConstantPad2d", "ConstantPad3d", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d",
    "ConvTranspose2d", "ConvTranspose3d", "CosineEmbeddingLoss", "CosineSimilarity", "CrossEntropyLoss", "CrossMapLRN2d",
    "DataParallel", "Dropout",
    "Dropout1d", "Dropout2d", "Dropout3d", "Embedding", "EmbeddingBag", "FeatureAlphaDropout", "Flatten", "Fold",
    "FractionalMaxPool2d", "FractionalMaxPool3d", "GRUCell", "GaussianNLLLoss", "GroupNorm", "Hardshrink",
    "Hardsigmoid", "Hardswish", "Hardtanh", "HingeEmbeddingLoss", "HuberLoss", "Identity", "InstanceNorm1d",
    "InstanceNorm2d", "InstanceNorm3d", "KLDivLoss", "L1Loss", "LPPool1d", "LPPool2d", "LPPool3d", "LSTMCell",
    "LayerNorm", "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyConv1d", "LazyConv2d", "LazyConv3d",
    "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d", "LazyInstanceNorm1d", "LazyInstanceNorm2d",
    "LazyInstanceNorm3d", "LazyLinear", "LeakyReLU", "Linear", "LocalResponseNorm", "LogSigmoid", "LogSoftmax",
    "MSELoss", "MarginRankingLoss", "MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d",
    "Mish", "Module", "ModuleDict", "ModuleList", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss",
    "MultiheadAttention", "NLLLoss", "NLLLoss2d", "PReLU", "PairwiseDistance", "Parameter", "ParameterDict",
    "ParameterList", "PixelShuffle", "PixelUnshuffle", "PoissonNLLLoss", "RMSNorm", "RNNBase", "RNNCell", "RNNCellBase",
    "RReLU", "ReLU", "ReLU6", "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d",
    "ReplicationPad2d", "ReplicationPad3d", "Sequential", "SiLU", "Sigmoid", "SmoothL1Loss", "SoftMarginLoss",
    "Softmax", "Softmax2d", "Softmin", "Softplus", "Softshrink", "Softsign", "SyncBatchNorm", "Tanh", "Tanhshrink", "Threshold",
    "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer",
    "TripletMarginLoss", "TripletMarginWithDistanceLoss", "Unflatten", "Unfold", "UninitializedBuffer",
    "UninitializedParameter", "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d", "ZeroPad1d", "ZeroPad2d",
    "ZeroPad3d", "functional", "init", "utils",
]  # fmt: skip

_HOMES: Final = {
    name: home
    for home, names in {
        "adaptive": "AdaptiveLogSoftmaxWithLoss",
        "attention": "MultiheadAttention",
        "channel_norm": "CrossMapLRN2d LocalResponseNorm Softmax2d",
        "conv_transpose": "ConvTranspose1d ConvTranspose2d ConvTranspose3d",
        "data_parallel": "DataParallel",
        "distance": "CosineSimilarity PairwiseDistance",
        "embedding_bag": "EmbeddingBag",
        "fold": "Fold Unfold",
        "fractional_pooling": "FractionalMaxPool2d FractionalMaxPool3d",
        "lazy": (
            "LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d "
            "LazyConvTranspose2d LazyConvTranspose3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d "
            "LazyLinear UninitializedBuffer UninitializedParameter"
        ),
        "likelihood_loss": "CTCLoss GaussianNLLLoss NLLLoss2d PoissonNLLLoss",
        "margin_loss": (
            "HingeEmbeddingLoss MarginRankingLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss MultiMarginLoss "
            "SoftMarginLoss TripletMarginLoss TripletMarginWithDistanceLoss"
        ),
        "noise": "AlphaDropout FeatureAlphaDropout RReLU",
        "padding": (
            "CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d ReflectionPad1d "
            "ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d ZeroPad1d ZeroPad2d "
            "ZeroPad3d"
        ),
        "recurrent": "GRU LSTM RNN RNNBase",
        "recurrent_cells": "GRUCell LSTMCell RNNCell RNNCellBase",
        "synchronized_norm": "SyncBatchNorm",
        "transformer": "Transformer TransformerDecoder TransformerEncoder",
        "transformer_layers": "TransformerDecoderLayer TransformerEncoderLayer",
        "unpooling": "LPPool1d LPPool2d LPPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d",
        "upsampling": "ChannelShuffle PixelShuffle PixelUnshuffle Upsample UpsamplingBilinear2d UpsamplingNearest2d",
    }.items()
    for name in names.split()
}
"""The module of each name that is imported on first use."""


def __getattr__(name: str) -> Any:
    if name in ("modules", "parallel"):
        return importlib.import_module(f"hotplug.nn.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'hotplug.nn' has no attribute {name!r}")
    found = getattr(importlib.import_module(f"hotplug.nn.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
