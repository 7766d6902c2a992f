"""Small programs written for PyTorch, with only the import changed: from the same weights, the same losses.

Every program is a text that the test runs twice, once with ``import torch`` and once with ``import hotplug as torch``.  It
makes its models in ``models()`` and trains them in ``train(models, draw)``, which gives the losses; ``draw(*shape)`` is the
same noise for both.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

STEPS = 5

DCGAN = """
import torch
import torch.nn as nn
import torch.optim as optim


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Conv") != -1:
        nn.init.normal_(m.weight.data, 0.0, 0.02)
    elif classname.find("BatchNorm") != -1:
        nn.init.normal_(m.weight.data, 1.0, 0.02)
        nn.init.constant_(m.bias.data, 0)


class Generator(nn.Module):
    def __init__(self, nz=8, ngf=4, nc=1):
        super(Generator, self).__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 2, 4, 1, 0, bias=False),
            nn.BatchNorm2d(ngf * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ngf),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, input):
        return self.main(input)


class Discriminator(nn.Module):
    def __init__(self, nc=1, ndf=4):
        super(Discriminator, self).__init__()
        self.main = nn.Sequential(
            nn.Conv2d(nc, ndf, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ndf * 2),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf * 2, 1, 4, 1, 0, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, input):
        return self.main(input)


def models():
    netG, netD = Generator(), Discriminator()
    netG.apply(weights_init)
    netD.apply(weights_init)
    return netG, netD


def train(models, draw):
    netG, netD = models
    criterion = nn.BCELoss()
    optimizerD = optim.Adam(netD.parameters(), lr=0.002, betas=(0.5, 0.999))
    optimizerG = optim.Adam(netG.parameters(), lr=0.002, betas=(0.5, 0.999))
    losses = []
    for i in range(STEPS):
        netD.zero_grad()
        real = torch.tanh(draw(6, 1, 16, 16))
        b_size = real.size(0)
        label = torch.full((b_size,), 1.0, dtype=torch.float)
        output = netD(real).view(-1)
        errD_real = criterion(output, label)
        errD_real.backward()
        noise = draw(b_size, 8, 1, 1)
        fake = netG(noise)
        label.fill_(0.0)
        output = netD(fake.detach()).view(-1)
        errD_fake = criterion(output, label)
        errD_fake.backward()
        errD = errD_real + errD_fake
        optimizerD.step()

        netG.zero_grad()
        label.fill_(1.0)
        output = netD(fake).view(-1)
        errG = criterion(output, label)
        errG.backward()
        optimizerG.step()
        losses += [errD.item(), errG.item()]
    return losses
"""

CHARACTERS = """
import torch
import torch.nn as nn
import torch.nn.functional as F

TEXT = "the quick brown fox jumps over the lazy dog, and the dog sleeps on. "


class CharLSTM(nn.Module):
    def __init__(self, vocab, hidden, layers=2):
        super().__init__()
        self.hidden, self.layers = hidden, layers
        self.embed = nn.Embedding(vocab, 12)
        self.lstm = nn.LSTM(12, hidden, layers, batch_first=True)
        self.head = nn.Linear(hidden, vocab)

    def forward(self, x, state=None):
        out, state = self.lstm(self.embed(x), state)
        return self.head(out), state

    def init_hidden(self, count):
        weight = next(self.parameters())
        return (
            weight.new_zeros(self.layers, count, self.hidden),
            weight.new_zeros(self.layers, count, self.hidden),
        )


def models():
    return (CharLSTM(len(set(TEXT)), 16),)


def train(models, draw):
    (model,) = models
    chars = sorted(set(TEXT))
    index = {c: i for i, c in enumerate(chars)}
    data = torch.tensor([index[c] for c in TEXT * 3], dtype=torch.long)[:160].view(4, 40)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    losses = []
    state = model.init_hidden(4)
    for step in range(STEPS):
        x, y = data[:, step * 7 : step * 7 + 7], data[:, step * 7 + 1 : step * 7 + 8]
        state = tuple(s.detach() for s in state)
        optimizer.zero_grad()
        logits, state = model(x, state)
        loss = F.cross_entropy(logits.reshape(-1, len(chars)), y.reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        logits, _ = model(data[:1, :5])
        losses += logits.softmax(-1).max(-1).values.flatten().tolist()
    return losses
"""

CLASSIFIER = """
import math

import torch
from torch import nn


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.0, max_len=64):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div_term)
        pe[:, 0, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x):
        x = x + self.pe[: x.size(0)]
        return self.dropout(x)


class Classifier(nn.Module):
    def __init__(self, ntoken, d_model, nhead, d_hid, nlayers, classes):
        super().__init__()
        self.pos_encoder = PositionalEncoding(d_model)
        layers = nn.TransformerEncoderLayer(d_model, nhead, d_hid, dropout=0.0, activation="gelu")
        self.encoder = nn.TransformerEncoder(layers, nlayers, enable_nested_tensor=False)
        self.embedding = nn.Embedding(ntoken, d_model, padding_idx=0)
        self.d_model = d_model
        self.linear = nn.Linear(d_model, classes)
        self.init_weights()

    def init_weights(self) -> None:
        initrange = 0.1
        self.embedding.weight.data.uniform_(-initrange, initrange)
        self.linear.bias.data.zero_()
        self.linear.weight.data.uniform_(-initrange, initrange)

    def forward(self, src):
        padding = (src == 0).transpose(0, 1)
        x = self.pos_encoder(self.embedding(src) * math.sqrt(self.d_model))
        x = self.encoder(x, src_key_padding_mask=padding)
        keep = (~padding).transpose(0, 1).unsqueeze(-1).float()
        return self.linear((x * keep).sum(0) / keep.sum(0).clamp(min=1.0))


def models():
    return (Classifier(20, 16, 4, 32, 2, 3),)


def train(models, draw):
    (model,) = models
    model.train()
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": 0.1},
            {"params": [p for p in model.parameters() if p.dim() <= 1], "weight_decay": 0.0},
        ],
        lr=3e-3,
    )
    losses = []
    for step in range(STEPS):
        tokens = (draw(9, 5).abs() * 8).long().clamp_(1, 19)
        lengths = torch.tensor([9, 7, 5, 9, 3])
        tokens[torch.arange(9)[:, None] >= lengths[None, :]] = 0
        labels = tokens[0] % 3
        loss = criterion(model(tokens), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses
"""

AUTOENCODER = """
import torch
import torch.utils.data
from torch import nn, optim
from torch.nn import functional as F


class VAE(nn.Module):
    def __init__(self):
        super(VAE, self).__init__()

        self.fc1 = nn.Linear(36, 24)
        self.fc21 = nn.Linear(24, 5)
        self.fc22 = nn.Linear(24, 5)
        self.fc3 = nn.Linear(5, 24)
        self.fc4 = nn.Linear(24, 36)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar, eps):
        std = torch.exp(0.5 * logvar)
        return mu + eps * std

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x, eps):
        mu, logvar = self.encode(x.view(-1, 36))
        z = self.reparameterize(mu, logvar, eps)
        return self.decode(z), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    BCE = F.binary_cross_entropy(recon_x, x.view(-1, 36), reduction="sum")
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD


def models():
    return (VAE(),)


def train(models, draw):
    (model,) = models
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    images = torch.sigmoid(draw(STEPS * 8, 1, 6, 6))
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(images, torch.arange(len(images))), batch_size=8, shuffle=False
    )
    model.train()
    losses = []
    for batch_idx, (data, _) in enumerate(loader):
        data = data.to(torch.device("cpu"))
        optimizer.zero_grad()
        recon_batch, mu, logvar = model(data, draw(8, 5))
        loss = loss_function(recon_batch, data, mu, logvar)
        loss.backward()
        losses.append(loss.item() / len(data))
        optimizer.step()
    return losses
"""

PROGRAMS = {"DCGAN": DCGAN, "characters": CHARACTERS, "classifier": CLASSIFIER, "autoencoder": AUTOENCODER}


def load(program: str, ours: bool) -> dict[str, Any]:
    """The names of a program after its import; ours with the one change."""
    if ours:
        program = program.replace("import torch\n", "import hotplug as torch\n", 1)
        program = program.replace("import torch.", "import hotplug.").replace("from torch", "from hotplug")
        program = program.replace("import torch.nn as nn", "import hotplug.nn as nn")
    names: dict[str, Any] = {"STEPS": STEPS}
    exec(program, names)
    return names


def noise(library: Any) -> Any:
    seeds = itertools.count()
    return lambda *shape: library.tensor(np.random.default_rng(next(seeds)).normal(size=shape).astype(np.float32))


@pytest.mark.parity
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_losses(torch: Any, name: str) -> None:
    torch.manual_seed(0)
    ours, theirs = load(PROGRAMS[name], True), load(PROGRAMS[name], False)
    mine, his = ours["models"](), theirs["models"]()
    for one, two in zip(mine, his, strict=True):
        state = {key: ours["torch"].tensor(value.numpy()) for key, value in two.state_dict().items()}
        assert list(one.state_dict()) == list(state)
        one.load_state_dict(state)
        assert repr(one) == repr(two).replace("NonDynamicallyQuantizableLinear", "Linear")
    found = ours["train"](mine, noise(ours["torch"]))
    expected = theirs["train"](his, noise(theirs["torch"]))
    assert len(found) >= STEPS
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert np.ptp(expected) > 0
