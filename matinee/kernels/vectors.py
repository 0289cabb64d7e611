"""Vectors of 16 floats, and sums of products in registers, which Numba does not offer.

Numba leaves it to LLVM which loops become vector instructions: loops over rows of unknown
length become short vectors with a check and a rest, and sums return to memory after each
step. Here a kernel says it: `load`, `add_product` and the others are single instructions on
CPUs with vectors of 512 bits, and two or four on others. In Python, all functions work on
arrays of NumPy.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.extending import lower_builtin, register_model, type_callable
from numpy.typing import NDArray

LANES = 16
"""Floats in a vector."""
LINE = 64
"""Bytes in a cache line."""
GUARD = 128
"""Floats between the memory of a kernel and any other: where two arrays are less than a few vectors
apart, a compiled loop over both takes another way, with another order of its sums."""

Floats = NDArray[np.float32]
_FAST = ("nsz", "contract", "reassoc", "arcp")


def padded(n: int) -> int:
    """The smallest multiple of `LANES` that is at least n."""
    return -(-n // LANES) * LANES


def aligned(n_rows: int, n_columns: int) -> Floats:
    """Zeros, (n_rows, n_columns), that begin at a cache line, so that no vector crosses one."""
    whole = np.zeros(n_rows * n_columns + LINE // 4, np.float32)
    first = (-whole.ctypes.data % LINE) // 4
    return whole[first : first + n_rows * n_columns].reshape(n_rows, n_columns)


def guarded(n_rows: int, n_columns: int) -> Floats:
    """Such zeros, with `GUARD` floats or more before the first row and after the last."""
    n_guard = -(-GUARD // n_columns)
    return aligned(n_rows + 2 * n_guard, n_columns)[n_guard : n_guard + n_rows]


def _rows_in_registers() -> int:
    """How many vectors of sums fit in the registers, beside the numbers to multiply."""
    features = binding.get_host_cpu_features()
    if features.get("avx512f"):
        return 16
    return 4


TILE = _rows_in_registers()
"""Rows of sums that `add_products` keeps in registers; a divisor of `LANES`."""


class _VectorType(types.Type):
    def __init__(self) -> None:
        super().__init__(name="matinee.Vector")


_VECTOR = _VectorType()
_FLOATS, _WORD = ir.VectorType(ir.FloatType(), LANES), ir.IntType(32)


@register_model(_VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _FLOATS)


Write = Callable[[Any, Any, Any, Any], Any]


def _instruction(
    function: Callable[..., Any], result: Any, *kinds: Any
) -> Callable[[Write], Write]:
    """Registers with Numba what `function` returns, and the decorated code for it."""

    @wraps(function)
    def typed(*arguments: Any) -> Any:
        del arguments
        return result

    type_callable(function)(lambda _: typed)
    register: Callable[[Write], Write] = lower_builtin(function, *kinds)
    return register


def _element(context: Any, builder: Any, kind: Any, array: Any, index: list[Any]) -> Any:
    """The address of an element of an array, as that of a vector; the index is intp."""
    whole = context.make_array(kind)(context, builder, array)
    pointer = cgutils.get_item_pointer(context, builder, kind, whole, index, wraparound=False)
    return builder.bitcast(pointer, _FLOATS.as_pointer())


def _index(context: Any, builder: Any, kinds: Any, numbers: Any) -> list[Any]:
    """Some integers as intp."""
    pairs = zip(kinds, numbers, strict=True)
    return [context.cast(builder, number, kind, types.intp) for kind, number in pairs]


def _spread(builder: Any, number: Any) -> Any:
    """A vector of one number."""
    first = builder.insert_element(ir.Constant(_FLOATS, None), number, ir.Constant(_WORD, 0))
    order = ir.Constant(ir.VectorType(_WORD, LANES), [0] * LANES)
    return builder.shuffle_vector(first, ir.Constant(_FLOATS, None), order)


def load(matrix: Floats, row: int, column: int) -> Floats:
    """matrix[row, column : column + LANES]."""
    return matrix[row, column : column + LANES].copy()


@_instruction(load, _VECTOR, types.Array, types.Integer, types.Integer)
def _load(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    index = _index(context, builder, signature.args[1:], arguments[1:])
    pointer = _element(context, builder, signature.args[0], arguments[0], index)
    return builder.load(pointer, align=4)


def store(matrix: Floats, row: int, column: int, vector: Floats) -> None:
    """Sets matrix[row, column : column + LANES]."""
    matrix[row, column : column + LANES] = vector


@_instruction(store, types.none, types.Array, types.Integer, types.Integer, _VectorType)
def _store(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    index = _index(context, builder, signature.args[1:3], arguments[1:3])
    pointer = _element(context, builder, signature.args[0], arguments[0], index)
    builder.store(arguments[3], pointer, align=4)
    return context.get_dummy_value()


def broadcast(number: np.float32) -> Floats:
    """A vector of one number."""
    return np.full(LANES, number, np.float32)


@_instruction(broadcast, _VECTOR, types.Float)
def _broadcast(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    number = context.cast(builder, arguments[0], signature.args[0], types.float32)
    return _spread(builder, number)


def times(one: Floats, other: Floats) -> Floats:
    """one * other."""
    return one * other


@_instruction(times, _VECTOR, _VectorType, _VectorType)
def _times(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    del context, signature
    return builder.fmul(arguments[0], arguments[1], flags=_FAST)


def add_product(total: Floats, one: Floats, other: Floats) -> Floats:
    """total + one * other."""
    return total + one * other


@_instruction(add_product, _VECTOR, _VectorType, _VectorType, _VectorType)
def _add_product(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    del context, signature
    total, one, other = arguments
    return builder.fadd(total, builder.fmul(one, other, flags=_FAST), flags=_FAST)


def subtract_product(total: Floats, one: Floats, other: Floats) -> Floats:
    """total - one * other."""
    return total - one * other


@_instruction(subtract_product, _VECTOR, _VectorType, _VectorType, _VectorType)
def _subtract_product(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    del context, signature
    total, one, other = arguments
    return builder.fsub(total, builder.fmul(one, other, flags=_FAST), flags=_FAST)


def inverse_root(vector: Floats) -> Floats:
    """1 / sqrt(vector)."""
    return np.reciprocal(np.sqrt(vector))


@_instruction(inverse_root, _VECTOR, _VectorType)
def _inverse_root(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    del context, signature
    kind = ir.FunctionType(_FLOATS, [_FLOATS])
    square_root = cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{LANES}f32")
    root = builder.call(square_root, arguments)
    return builder.fdiv(_spread(builder, ir.Constant(ir.FloatType(), 1)), root)


def total(vector: Floats) -> np.float32:
    """The sum of a vector."""
    return np.float32(vector.sum())


@_instruction(total, types.float32, _VectorType)
def _total(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    del context, signature
    kind = ir.FunctionType(ir.FloatType(), [ir.FloatType(), _FLOATS])
    name = f"llvm.vector.reduce.fadd.v{LANES}f32"
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    zero = ir.Constant(ir.FloatType(), -0.0)
    return builder.call(function, [zero, arguments[0]], fastmath=_FAST)


def checked(zeros: Floats, vector: Floats) -> Floats:
    """`zeros`, with NaN in the lanes in which the vector is not finite."""
    with np.errstate(invalid="ignore"):
        return zeros + vector * np.float32(0)


@_instruction(checked, _VECTOR, _VectorType, _VectorType)
def _checked(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    del context, signature
    zero = ir.Constant(_FLOATS, [0.0] * LANES)  # no liberties: sums of large numbers overflow
    return builder.fadd(arguments[0], builder.fmul(arguments[1], zero))


def maximum(one: Floats, other: Floats) -> Floats:
    """The larger of two numbers in each lane."""
    return np.maximum(one, other)


@_instruction(maximum, _VECTOR, _VectorType, _VectorType)
def _maximum(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    del context, signature
    one, other = arguments
    return builder.select(builder.fcmp_ordered(">", one, other), one, other)


def any_above(vector: Floats, number: np.float32) -> bool:
    """Whether a number of the vector is above another number."""
    return bool((vector > number).any())


@_instruction(any_above, types.boolean, _VectorType, types.Float)
def _any_above(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    number = context.cast(builder, arguments[1], signature.args[1], types.float32)
    above = builder.fcmp_ordered(">", arguments[0], _spread(builder, number))
    bits = builder.bitcast(above, ir.IntType(LANES))
    return builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))


def prefetch(matrix: Floats, row: int, column: int) -> None:
    """Starts to load the cache line of matrix[row, column]; it changes nothing."""


@_instruction(prefetch, types.none, types.Array, types.Integer, types.Integer)
def _prefetch(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    index = _index(context, builder, signature.args[1:], arguments[1:])
    pointer = _element(context, builder, signature.args[0], arguments[0], index)
    byte = ir.IntType(8).as_pointer()
    shape = ir.FunctionType(ir.VoidType(), [byte, _WORD, _WORD, _WORD])
    function = builder.module.declare_intrinsic("llvm.prefetch", [byte], shape)
    read, keep_close, data = (ir.Constant(_WORD, number) for number in (0, 3, 1))
    builder.call(function, [builder.bitcast(pointer, byte), read, keep_close, data])
    return context.get_dummy_value()


def add_products(
    sums: Floats,
    corner: tuple[int, int],
    table: Floats,
    index: NDArray[np.int32],
    span: tuple[int, int],
) -> None:
    """Adds products of table rows to a tile of sums, `TILE` x `LANES`, which stays in registers.

    sums[r, c] += table[index[place], r] * table[index[place], c] over a span of places, for r
    from corner[0] and c from corner[1].
    """
    rows, columns = slice(corner[0], corner[0] + TILE), slice(corner[1], corner[1] + LANES)
    chosen = table[index[span[0] : span[1]]]
    sums[rows, columns] += chosen[:, rows].T @ chosen[:, columns]


@_instruction(
    add_products,
    types.none,
    types.Array,
    types.UniTuple,
    types.Array,
    types.Array,
    types.UniTuple,
)
def _add_products(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    sums_kind, _, table_kind, index_kind, _ = signature.args
    row, column = cgutils.unpack_tuple(builder, arguments[1])
    first, stop = cgutils.unpack_tuple(builder, arguments[4])
    index = context.make_array(index_kind)(context, builder, arguments[3])
    places = [
        _element(
            context,
            builder,
            sums_kind,
            arguments[0],
            [builder.add(row, ir.Constant(row.type, r)), column],
        )
        for r in range(TILE)
    ]
    kept = [cgutils.alloca_once_value(builder, builder.load(place, align=4)) for place in places]
    with cgutils.for_range_slice(builder, first, stop, ir.Constant(first.type, 1)) as (place, _):
        pointer = cgutils.get_item_pointer(
            context, builder, index_kind, index, [place], wraparound=False
        )
        other = context.cast(builder, builder.load(pointer), index_kind.dtype, types.intp)
        base = _element(context, builder, table_kind, arguments[2], [other, row])
        numbers = builder.bitcast(base, ir.FloatType().as_pointer())
        right = builder.load(
            _element(context, builder, table_kind, arguments[2], [other, column]), align=4
        )
        for r in range(TILE):
            number = builder.load(builder.gep(numbers, [ir.Constant(_WORD, r)]))
            product = builder.fmul(_spread(builder, number), right, flags=_FAST)
            builder.store(builder.fadd(builder.load(kept[r]), product, flags=_FAST), kept[r])
    for place, one in zip(places, kept, strict=True):
        builder.store(builder.load(one), place, align=4)
    return context.get_dummy_value()
