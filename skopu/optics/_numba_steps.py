"""Steps of a fast Fourier transform on vectors, for numba's compiler.

Numba leaves it to LLVM to find vectors in loops, which fails for most passes of a transform, so
the steps are written for vectors here: functions of Python that write LLVM's instructions. A
vector has 32 bytes: a register of AVX2, two of SSE or Neon; LLVM divides it where that is so.
Real and imaginary parts lie apart, an imaginary part one plane behind its real part.
"""

import math

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

VECTOR_BYTES = 32
_REGISTER_BYTES = 16  # within which values change places most cheaply
_INT32 = ir.IntType(32)


class _Vectors:
    """Instructions on the vectors of one dtype that a builder writes."""

    def __init__(self, context, builder, dtype):
        self.context, self.builder = context, builder
        self.bytes = dtype.bitwidth // 8
        self.element = ir.FloatType() if dtype == types.float32 else ir.DoubleType()
        self.width = VECTOR_BYTES // self.bytes
        self.type = ir.VectorType(self.element, self.width)

    def _pointer(self, array, index):
        array_type, value = array
        data = self.context.make_array(array_type)(self.context, self.builder, value).data
        return self.builder.gep(data, [index])

    def load(self, array, index):
        pointer = self.builder.bitcast(self._pointer(array, index), self.type.as_pointer())
        return self.builder.load(pointer, align=self.bytes)

    def store(self, vector, array, index):
        pointer = self.builder.bitcast(self._pointer(array, index), self.type.as_pointer())
        self.builder.store(vector, pointer, align=self.bytes)

    def same(self, scalar):
        """A vector of one value."""
        empty = ir.Constant(self.type, ir.Undefined)
        vector = self.builder.insert_element(empty, scalar, _INT32(0))
        return self.shuffle(vector, empty, [0] * self.width)

    def load_same(self, array, index):
        return self.same(self.builder.load(self._pointer(array, index)))

    def constant(self, value):
        return ir.Constant(self.type, [value] * self.width)

    def shuffle(self, low, high, places):
        mask = ir.Constant(ir.VectorType(_INT32, len(places)), places)
        return self.builder.shuffle_vector(low, high, mask)

    def interleave(self, low, high):
        """Values in turns, in two vectors."""
        turns = [place for k in range(self.width) for place in (k, self.width + k)]
        return [
            self.shuffle(low, high, half) for half in (turns[: self.width], turns[self.width :])
        ]

    def transpose(self, vectors):
        """As many vectors as they are wide: registers in themselves, then whole ones."""
        width, lane = self.width, _REGISTER_BYTES // self.bytes
        unit = 1
        while unit < lane:
            for group in range(0, width, 2 * unit):
                pairs = zip(
                    vectors[group : group + unit],
                    vectors[group + unit : group + 2 * unit],
                    strict=True,
                )
                vectors[group : group + 2 * unit] = [
                    self.shuffle(*pair, _unpack(width, lane, unit, half))
                    for pair in list(pairs)
                    for half in (0, lane // 2)
                ]
            unit *= 2
        while unit < width:
            for low in (row for row in range(width) if not row & unit):
                pair = vectors[low], vectors[low | unit]
                ahead = [k if not k & unit else width + (k ^ unit) for k in range(width)]
                behind = [k | unit if not k & unit else width + k for k in range(width)]
                vectors[low], vectors[low | unit] = (
                    self.shuffle(*pair, ahead),
                    self.shuffle(*pair, behind),
                )
            unit *= 2
        return vectors


def _unpack(width, lane, unit, half):
    """Places that put units of one half of each lane of two vectors in turns."""
    places = []
    for first in range(half, width, lane):
        for start in range(first, first + lane // 2, unit):
            places += range(start, start + unit)
            places += range(width + start, width + start + unit)
    return places


class _Complex:
    """Complex numbers as two vectors."""

    def __init__(self, vectors, real, imag):
        self.vectors, self.builder, self.real, self.imag = vectors, vectors.builder, real, imag

    def _new(self, real, imag):
        return _Complex(self.vectors, real, imag)

    # "contract" lets LLVM add a product in one instruction.
    def _add(self, x, y):
        return self.builder.fadd(x, y, flags=("contract",))

    def _sub(self, x, y):
        return self.builder.fsub(x, y, flags=("contract",))

    def _mul(self, x, y):
        return self.builder.fmul(x, y, flags=("contract",))

    def __add__(self, other):
        return self._new(self._add(self.real, other.real), self._add(self.imag, other.imag))

    def __sub__(self, other):
        return self._new(self._sub(self.real, other.real), self._sub(self.imag, other.imag))

    def __mul__(self, other):
        return self._new(
            self._sub(self._mul(self.real, other.real), self._mul(self.imag, other.imag)),
            self._add(self._mul(self.real, other.imag), self._mul(self.imag, other.real)),
        )

    def scaled(self, factor):
        factor = self.vectors.constant(factor)
        return self._new(self._mul(self.real, factor), self._mul(self.imag, factor))

    def turned(self):
        """Times -1j."""
        return self._new(self.imag, self.builder.fneg(self.real))

    def square(self):
        """|x|^2, a vector."""
        return self._add(self._mul(self.real, self.real), self._mul(self.imag, self.imag))


def _fourier(values):
    """Discrete Fourier transform of 2, 3, 4, 5 or 8 numbers."""
    if len(values) == 2:
        return [values[0] + values[1], values[0] - values[1]]
    if len(values) == 3:
        both, side = values[1] + values[2], (values[1] - values[2]).turned()
        middle, side = values[0] - both.scaled(0.5), side.scaled(math.sqrt(0.75))
        return [values[0] + both, middle + side, middle - side]
    if len(values) == 5:
        return _fourier_5(*values)
    half = len(values) // 2
    even, odd = _fourier(values[::2]), _fourier(values[1::2])
    odd = [_eighth_turns(value, k * 8 // len(values)) for k, value in enumerate(odd)]
    return [even[k] + odd[k] for k in range(half)] + [even[k] - odd[k] for k in range(half)]


def _eighth_turns(value, n):
    """Times exp(-2j pi n / 8), for n up to 3."""
    if n >= 2:
        value = value.turned()
    return (value + value.turned()).scaled(math.sqrt(0.5)) if n % 2 else value


def _fourier_5(a, b, c, d, e):
    near, far = b + e, c + d
    near_side, far_side = (b - e).turned(), (c - d).turned()
    angles = 0.4 * math.pi, 0.8 * math.pi
    cosine, sine = ([wave(angle) for angle in angles] for wave in (math.cos, math.sin))
    first = a + near.scaled(cosine[0]) + far.scaled(cosine[1])
    second = a + near.scaled(cosine[1]) + far.scaled(cosine[0])
    first_side = near_side.scaled(sine[0]) + far_side.scaled(sine[1])
    second_side = near_side.scaled(sine[1]) - far_side.scaled(sine[0])
    return [
        a + near + far,
        first + first_side,
        second + second_side,
        second - second_side,
        first - first_side,
    ]


def _far(builder, index, n_steps, step):
    """Index + n_steps * step."""
    return builder.add(index, builder.mul(step, step.type(n_steps)))


def _load(vectors, array, real, imag):
    return _Complex(vectors, vectors.load(array, real), vectors.load(array, imag))


def _load_next(vectors, array, index, place):
    """Vectors number 2 place and 2 place + 1 from an index: a real and an imaginary part."""
    real = vectors.builder.add(index, index.type(2 * place * vectors.width))
    imag = vectors.builder.add(index, index.type((2 * place + 1) * vectors.width))
    return _load(vectors, array, real, imag)


@intrinsic
def first_step(typing_context, light, mask, out, factors, i, m, o, at, f, plane):
    """Eight vectors of light behind a mask, transformed, times factors, transposed.

    Light lies m apart from i, the mask in a row from at, as do the factors from f; outputs are
    neighbours from o.
    """

    def generate(context, builder, signature, values):
        light, mask, out, factors = zip(signature.args[:4], values[:4], strict=True)
        i, m, o, at, f, plane = values[4:]
        vectors = _Vectors(context, builder, signature.args[0].dtype)
        fields = []
        for k in range(8):
            real = _far(builder, i, k, m)
            field = _load(vectors, light, real, builder.add(real, plane))
            fields.append(field * _load_next(vectors, mask, at, k))
        fields = _fourier(fields)
        for k in range(1, 8):
            fields[k] *= _load_next(vectors, factors, f, k - 1)
        for part, place in (("real", o), ("imag", builder.add(o, plane))):
            columns = [getattr(field, part) for field in fields]
            for group in range(0, 8, vectors.width):
                rows = vectors.transpose(columns[group : group + vectors.width])
                for k, row in enumerate(rows):
                    vectors.store(row, out, builder.add(place, place.type(8 * k + group)))
        return context.get_dummy_value()

    return types.void(light, mask, out, factors, i, m, o, at, f, plane), generate


def middle_step(radix):
    """A step of another radix for vectors side by side."""

    @intrinsic
    def step(typing_context, source, out, factors, i, jump, o, run, f, plane):
        """Over ``run`` numbers: inputs ``jump`` apart from i, outputs ``run`` apart from o.

        Factors, a number each, lie in a row from f.
        """

        def generate(context, builder, signature, values):
            source, out, factors = zip(signature.args[:3], values[:3], strict=True)
            i, jump, o, run, f, plane = values[3:]
            vectors = _Vectors(context, builder, signature.args[0].dtype)
            numbers = [
                vectors.load_same(factors, builder.add(f, f.type(k))) for k in range(2 * radix - 2)
            ]
            turns = [_Complex(vectors, *numbers[k : k + 2]) for k in range(0, len(numbers), 2)]
            n_vectors = builder.sdiv(run, run.type(vectors.width))
            with cgutils.for_range(builder, n_vectors) as loop:
                here = builder.mul(loop.index, run.type(vectors.width))
                first, place = builder.add(i, here), builder.add(o, here)
                reals = [_far(builder, first, k, jump) for k in range(radix)]
                fields = _fourier(
                    [_load(vectors, source, real, builder.add(real, plane)) for real in reals]
                )
                fields[1:] = [field * turn for field, turn in zip(fields[1:], turns, strict=True)]
                for k, field in enumerate(fields):
                    to = _far(builder, place, k, run)
                    vectors.store(field.real, out, to)
                    vectors.store(field.imag, out, builder.add(to, plane))
            return context.get_dummy_value()

        return types.void(source, out, factors, i, jump, o, run, f, plane), generate

    return step


def _last_step(store):
    @intrinsic
    def step(typing_context, source, out, q, run, plane, scale):
        """Radix 4, inputs and outputs ``run`` apart from q, outputs times scale."""

        def generate(context, builder, signature, values):
            source, out = zip(signature.args[:2], values[:2], strict=True)
            q, run, plane, scale = values[2:]
            vectors = _Vectors(context, builder, signature.args[0].dtype)
            places = [_far(builder, q, k, run) for k in range(4)]
            fields = _fourier(
                [_load(vectors, source, place, builder.add(place, plane)) for place in places]
            )
            for field, place in zip(fields, places, strict=True):
                store(vectors, field, out, place, vectors.same(scale))
            return context.get_dummy_value()

        return types.void(source, out, q, run, plane, scale), generate

    return step


def _store_square(vectors, field, out, place, scale):
    vectors.store(vectors.builder.fmul(field.square(), scale), out, place)


def _store_pairs(vectors, field, out, place, scale):
    builder = vectors.builder
    place = builder.mul(place, place.type(2))
    for k, half in enumerate(vectors.interleave(field.real, field.imag)):
        at = builder.add(place, place.type(k * vectors.width))
        vectors.store(builder.fmul(half, scale), out, at)


last_step_squares = _last_step(_store_square)
last_step_pairs = _last_step(_store_pairs)
