"""Einstein summation: products of any operands over any axes, written as letters."""

from __future__ import annotations

from ..arrays import Array, Namespace
from ..arrays.subscripts import parse
from ..op import linear
from ..samples import Domain, sample, uniform
from .matrices import diagonal_matrix


def _block(*shape: int) -> Domain:
    return uniform(-2, 2, shape)


@linear(
    samples=[
        sample(_block(3, 4), _block(4, 2), subscripts="ij,jk"),
        sample(_block(2, 3, 2), _block(2, 4, 2), subscripts="bqd,bkd->bkq"),
        sample(_block(3, 3), subscripts="ii->i"),
        sample(_block(3, 3, 2), _block(2), subscripts="iij,j->"),
        sample(_block(2, 3), _block(3, 4), _block(4), subscripts="ij,jk,k->i"),
        sample(_block(2, 1, 3), _block(4, 3), subscripts="...i,...i->..."),
        sample(_block(2, 3, 4), subscripts="abc->ca"),
        sample(_block(3), _block(4), subscripts="i,j->ji"),
    ]
)
def einsum(xp: Namespace, *arrays: Array, subscripts: str) -> Array:
    """Sum of products, with one letter for each axis of each operand.

    Axes with the same letter run together. A letter that the result lacks is summed over. If
    nothing follows an arrow, the result has the letters that occur once, in alphabetical order.
    ``...`` stands for any number of axes, which broadcast. A letter twice in one operand takes
    a diagonal. Users write ``tl.einsum(subscripts, *operands)``.
    """
    return xp.einsum(*arrays, subscripts=subscripts)


@einsum.vjp("arrays", saves=("arrays",))
def _(xp, g, out, *arrays, position, subscripts):
    # The result trades places with the operand: sum g and the others over what they have more.
    terms, result = parse(subscripts, tuple(a.ndim for a in arrays))
    own, shape = terms[position], arrays[position].shape
    rest = [i for i in range(len(arrays)) if i != position]
    known = set(result).union(*(terms[i] for i in rest))
    letters = [letter for letter in dict.fromkeys(own) if letter in known]
    written = f"{','.join([result, *(terms[i] for i in rest)])}->{''.join(letters)}"
    part = xp.einsum(g, *(arrays[i] for i in rest), subscripts=written)

    # It is constant along letters that only the operand has, and where all others have length 1.
    alone = [letter for letter in dict.fromkeys(own) if letter not in known]
    part = xp.reshape(part, (*part.shape, *[1] * len(alone)))
    letters += alone
    lengths = [shape[own.index(letter)] for letter in letters]
    stretched = tuple(n if m == 1 else m for m, n in zip(part.shape, lengths, strict=True))
    part = xp.broadcast_to(part, stretched)

    # Of a letter that the operand has twice, only the diagonal was read.
    for place, letter in enumerate(own):
        if letter in own[:place]:
            last = [*_without(letters, letter), letter]
            part = diagonal_matrix(xp, _in_order(xp, part, letters, last))
            letters = [*last, letter]
    return _in_order(xp, part, letters, own)


def _without(letters, letter):
    place = letters.index(letter)
    return [*letters[:place], *letters[place + 1 :]]


def _in_order(xp, x, letters, wanted):
    """`x`, whose axes are `letters`, with the axes as `wanted`; the same letter may be twice."""
    places = list(range(len(letters)))
    axes = []
    for letter in wanted:
        axes.append(next(place for place in places if letters[place] == letter))
        places.remove(axes[-1])
    return x if axes == sorted(axes) else xp.permute_dims(x, tuple(axes))
