"""What backward passes of blocks would reach, from the graphs that PyTorch records."""


def check_blocks(model, names, outputs):
    """Raise ValueError unless each parameter is in the graph of a block, and none has a way around.

    outputs are those of the blocks and of the network, in the order of names.
    """
    nodes, variables = zip(*map(_reached, outputs), strict=True)
    for i, later in enumerate(nodes):
        for name, earlier in zip(names[:i], nodes[:i], strict=True):
            if later & earlier:
                raise ValueError(
                    f"A tensor goes from block {name!r} to block {names[i]!r} and around what is "
                    "between them, so that they are no blocks of their own. Cut behind the module "
                    "that both ways lead to, or detach one of them."
                )
    reached = set().union(*variables)
    lost = [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and id(parameter) not in reached
    ]
    if lost:
        raise ValueError(
            f"No block leads to the parameters {', '.join(lost)}, so that nothing would train "
            "them. Use them in the forward pass, or set their requires_grad to False."
        )


def _reached(output):
    """Inner nodes and leaves of the graph behind a tensor."""
    nodes, variables, waiting = set(), set(), [output.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in nodes:
            continue
        if hasattr(node, "variable"):
            variables.add(id(node.variable))
            continue
        nodes.add(node)
        waiting += [following for following, _ in node.next_functions]
    return nodes, variables
