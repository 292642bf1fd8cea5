"""The published models in PyTorch, written anew from the papers and sharing no code with limbeck.

What the text leaves open of the Hamiltonian network (softplus, the penalty, energies of directed edges) follows
the published code, which was read for it; one author wrote both sides, so agreement does not check that reading.

Sources: P is Cranmer et al. (2020), arXiv 2006.11287, appendices A.1, A.2 and A.4; T the thesis that
reproduces it (equations 5, 7, 12, 13). A graph is a table of nodes (features in the order position,
velocity, attributes) and a list of directed edges (receivers, senders); a batch is one large graph.
"""

import itertools

import torch


class Perceptron(torch.nn.Module):
    """Linear layers with an activation between them."""

    def __init__(self, sizes, activation, dtype):
        super().__init__()
        pairs = itertools.pairwise(sizes)
        self.linear = torch.nn.ModuleList(torch.nn.Linear(a, b, dtype=dtype) for a, b in pairs)
        self.activation = activation

    def forward(self, x):
        for layer in self.linear[:-1]:
            x = self.activation(layer(x))
        return self.linear[-1](x)


class GraphNetwork(torch.nn.Module):
    """P, A.1: `e_k = phi_e(v_r, v_s)`, summed at the receiver, `phi_v(v_i, sum)`."""

    def __init__(self, n_features, message_dim, dim, hidden, dtype=torch.float32):
        super().__init__()
        self.edge = Perceptron([2 * n_features, *hidden, message_dim], torch.relu, dtype)
        self.node = Perceptron([n_features + message_dim, *hidden, dim], torch.relu, dtype)

    def messages(self, nodes, edges):
        receivers, senders = edges
        return self.edge(torch.cat([nodes[receivers], nodes[senders]], dim=1))

    def update(self, nodes, edges, messages):
        summed = torch.zeros(len(nodes), messages.shape[1], dtype=nodes.dtype).index_add(0, edges[0], messages)
        return self.node(torch.cat([nodes, summed], dim=1))

    def forward(self, nodes, edges):
        return self.update(nodes, edges, self.messages(nodes, edges))

    def squared_weights(self):
        """P, A.1: L_n."""
        return sum((weight**2).sum() for weight in self.parameters())


class VariationalGraphNetwork(GraphNetwork):
    """P, A.2: each message is drawn from a normal distribution; T: even outputs are means, odd ones log variances."""

    def __init__(self, n_features, message_dim, dim, hidden, dtype=torch.float32):
        super().__init__(n_features, message_dim, dim, hidden, dtype)
        self.edge = Perceptron([2 * n_features, *hidden, 2 * message_dim], torch.relu, dtype)

    def statistics(self, nodes, edges):
        raw = super().messages(nodes, edges)
        return raw[:, 0::2], raw[:, 1::2]

    def messages(self, nodes, edges, noise=None):
        mean, log_variance = self.statistics(nodes, edges)
        return mean if noise is None else mean + torch.exp(log_variance / 2) * noise


def prediction_loss(predicted, true):
    """P, A.1: mean over nodes of |true - predicted|, a sum over directions."""
    return (true - predicted).abs().sum() / len(true)


def l1_penalty(messages):
    """P, A.1: mean over edges of |message|, a sum over components."""
    return messages.abs().sum() / len(messages)


def kl_penalty(mean, log_variance):
    """P, A.2: mean over edges of the sum of (mu^2 + sigma^2 - log sigma^2)/2."""
    return 0.5 * (mean**2 + torch.exp(log_variance) - log_variance).sum() / len(mean)


class FlatHGN(torch.nn.Module):
    """P, A.4: H is the sum of H_self over nodes and of H_pair over directed edges; Hamilton's equations follow."""

    def __init__(self, n_features, dim, hidden, mass, dtype=torch.float32):
        super().__init__()
        softplus = torch.nn.functional.softplus
        self.pair = Perceptron([2 * n_features, *hidden, 1], softplus, dtype)
        self.self_energy = Perceptron([n_features, *hidden, 1], softplus, dtype)
        self.dim, self.mass = dim, mass

    def canonical(self, nodes):
        """Position, momentum, attributes of every node, as a leaf that slopes can be taken in."""
        d = self.dim
        mass = nodes[:, 2 * d + self.mass, None]
        rows = torch.cat([nodes[:, :d], mass * nodes[:, d : 2 * d], nodes[:, 2 * d :]], dim=1)
        return rows.detach().requires_grad_()

    def node_energies(self, rows, edges):
        """Self energy of each node and the pair energies of the edges that it receives."""
        receivers, senders = edges
        arriving = self.pair(torch.cat([rows[receivers], rows[senders]], dim=1))[:, 0]
        return self.self_energy(rows)[:, 0].index_add(0, receivers, arriving)

    def flow(self, nodes, edges):
        """dq/dt and dp/dt."""
        rows = self.canonical(nodes)
        (slope,) = torch.autograd.grad(self.node_energies(rows, edges).sum(), rows, create_graph=True)
        return slope[:, self.dim : 2 * self.dim], -slope[:, : self.dim]

    def forward(self, nodes, edges):
        return self.flow(nodes, edges)[1] / nodes[:, 2 * self.dim + self.mass, None]

    def node_penalty(self, nodes, edges):
        """Energies of nodes squared, and the slopes of H in every column behind the momenta, squared."""
        rows = self.canonical(nodes)
        energies = self.node_energies(rows, edges)
        (slope,) = torch.autograd.grad(energies.sum(), rows, create_graph=True)
        return (energies**2).sum() + (slope[:, 2 * self.dim :] ** 2).sum()

    def pair_penalty(self, nodes, edges):
        """Energies of pairs squared, and their slopes in every column behind the positions, squared."""
        receivers, senders = edges
        once = receivers < senders
        rows = self.canonical(nodes).detach()
        ends = [rows[end[once]].requires_grad_() for end in (receivers, senders)]
        energies = (self.pair(torch.cat(ends, dim=1)) + self.pair(torch.cat(ends[::-1], dim=1)))[:, 0]
        slopes = torch.autograd.grad(energies.sum(), ends, create_graph=True)
        return (energies**2).sum() + sum((slope[:, self.dim :] ** 2).sum() for slope in slopes)
