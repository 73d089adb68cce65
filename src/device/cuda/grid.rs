//! How products are cut into blocks of threads. By the sizes alone, not by the card: the same sums on every card whose
//! memory holds as many columns at a time.

/// Rows and columns of a tile of the Gram matrix; `TILE` of `kernels.cu`.
const TILE: usize = 64;
/// Threads that make one; `GRAM_THREADS` of `kernels.cu`.
pub(super) const GRAM_THREADS: u32 = 128;
/// Threads of the other kernels; `THREADS` of `kernels.cu`.
pub(super) const THREADS: u32 = 256;
/// Blocks that keep a card busy: some eight for each multiprocessor of a large one.
const BLOCKS: usize = 1024;
/// Columns of a chunk that are worth a block of threads.
const LEAST: usize = 512;

/// Numbers in a block of J on the card: a gibibyte of doubles. Within it places fit 32 bits.
const NUMBERS: usize = 1 << 27;
/// Operations in one launch: a card with a display ends those that run for seconds, and may do 6·10¹¹ in one.
const OPERATIONS: usize = 200_000_000_000;

/// Tiles of the lower half of K, N × N.
pub(super) fn tiles(rows: usize) -> usize {
    let side = rows.div_ceil(TILE);
    side * (side + 1) / 2
}

/// Columns in a chunk of the Gram matrix's sums, where so many are added up.
pub(super) fn gram_chunk(rows: usize, columns: usize) -> usize {
    columns.div_ceil((BLOCKS / tiles(rows)).max(1)).max(LEAST).min(columns)
}

/// Numbers in the partial sums of a block of so many columns, at most: it grows with the columns.
pub(super) fn gram_partial(rows: usize, columns: usize) -> usize {
    let chunks = columns.div_ceil(LEAST).min((BLOCKS / tiles(rows)).max(1));
    tiles(rows) * chunks * TILE * TILE
}

/// Rows of J side by side in a block of threads of the product J x: a power of two.
pub(super) fn product_side(rows: usize) -> usize {
    rows.next_power_of_two().min(64)
}

/// Columns in a chunk of its sums.
pub(super) fn product_chunk(rows: usize, columns: usize) -> usize {
    let across = rows.div_ceil(product_side(rows));
    columns.div_ceil((BLOCKS / across).max(1)).max(LEAST).min(columns)
}

/// Threads that share a column in the product Jᵀu: a power of two.
pub(super) fn transposed_side(rows: usize) -> usize {
    rows.next_power_of_two().min(32)
}

/// Columns of J that are multiplied at a time where `bytes` are free for them and for the sums of their Gram matrix,
/// each number of `size` bytes; none where not even one fits.
pub(super) fn columns(rows: usize, all: usize, bytes: usize, size: usize) -> usize {
    let most = (NUMBERS / rows).min(OPERATIONS / rows / rows).clamp(1, all);
    let fits = |columns: &usize| size * rows * columns + 8 * gram_partial(rows, *columns) <= bytes;
    // What is needed grows with the columns.
    let (mut few, mut many) = (0, most + 1);
    while many - few > 1 {
        let middle = few + (many - few) / 2;
        if fits(&middle) { few = middle } else { many = middle }
    }
    few
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_kernels() {
        let source = include_str!("kernels.cu");
        let defined = |name: &str, value: usize| {
            assert!(source.contains(&format!("#define {name} {value}\n")), "{name} is not {value}");
        };
        defined("TILE", TILE);
        defined("THREADS", THREADS as usize);
        defined("ACROSS", 16);
        defined("DOWN", GRAM_THREADS as usize / 16);
    }

    #[test]
    fn chunks_cover_all_columns_within_what_a_grid_can_have() {
        for rows in [1, 2, 63, 64, 65, 1000, 20_000] {
            for columns in [1, 2, 511, 512, 513, 6710, 1_000_000] {
                for chunk in [gram_chunk(rows, columns), product_chunk(rows, columns)] {
                    assert!((1..=columns).contains(&chunk), "{rows} × {columns}: {chunk}");
                    assert!(columns.div_ceil(chunk) <= BLOCKS, "{rows} × {columns}: {chunk}");
                }
                assert!(
                    product_side(rows).is_power_of_two()
                        && (THREADS as usize).is_multiple_of(product_side(rows))
                );
                assert!(transposed_side(rows) <= 32);
            }
        }
    }

    #[test]
    fn what_fits_a_small_memory_is_taken_and_no_more() {
        let (rows, all) = (100, 1_000_000);
        let whole = columns(rows, all, usize::MAX, 8);
        assert_eq!(whole, all);
        assert_eq!(columns(20_000, 1_000_000, usize::MAX, 8), 500);
        for bytes in [10_000_000, 100_000_000] {
            let some = columns(rows, all, bytes, 8);
            assert!(some > 0 && some < whole);
            assert!(8 * (rows * some + gram_partial(rows, some)) <= bytes);
            assert!(columns(rows, all, bytes, 4) > some);
        }
        assert_eq!(columns(rows, all, 1000, 8), 0);
    }

    /// The room for the sums of one block is room for those of any shorter one: the last.
    #[test]
    fn sums_of_shorter_blocks_have_room_in_those_of_longer_ones() {
        for rows in [1, 3, 64, 65, 500, 3000] {
            let needed = |columns: usize| {
                tiles(rows) * columns.div_ceil(gram_chunk(rows, columns)) * TILE * TILE
            };
            let mut before = 0;
            for columns in (1..2_000_000).step_by(7919) {
                let room = gram_partial(rows, columns);
                assert!(needed(columns) <= room && before <= room, "{rows} × {columns}");
                before = room;
            }
        }
    }
}
