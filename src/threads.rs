//! Cores: how many may work, and the one place where work is shared out among them. Only here is rayon named.
//!
//! **The same bits for any number of threads.** Work comes as blocks fixed by the problem alone; each block is done by
//! one thread and writes its own part of the result. Threads only decide who takes which.
//!
//! **Nested use does not oversubscribe.** All sharing in the process draws on one budget of helpers: while scales run
//! beside each other they hold it, and the sweeps inside them run alone; once a scale has no successor, its core helps
//! the others' sweeps.

use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Zero until somebody chooses.
static CHOSEN: AtomicUsize = AtomicUsize::new(0);
/// Helpers at work, less the callers that wait for theirs (their cores are free).
static HELPING: AtomicIsize = AtomicIsize::new(0);

/// Pools at rest of [`in_shares`]: as many as were ever at work at once.
static POOLS: Mutex<Vec<rayon::ThreadPool>> = Mutex::new(Vec::new());

/// Waking a helper and waiting for it costs some ten microseconds: work of fewer operations than this stays on one
/// thread.
const WORTH_SHARING: f64 = 5e6;

/// The number of threads that large products and sweeps over scales use together.
///
/// What [`set_limit`] chose; else the environment variable `GRADFLOW_THREADS`; else the number of cores available.
/// Results do not depend on it, bit for bit.
pub fn limit() -> usize {
    static FOUND: OnceLock<usize> = OnceLock::new();
    match CHOSEN.load(Ordering::Relaxed) {
        0 => *FOUND.get_or_init(|| {
            let asked = std::env::var("GRADFLOW_THREADS").ok().and_then(|text| text.parse().ok());
            let cores = || std::thread::available_parallelism().map_or(1, usize::from);
            asked.filter(|&n| n > 0).unwrap_or_else(cores)
        }),
        chosen => chosen,
    }
}

/// Chooses the number of threads for the whole process, from now on; 0 gives the choice back to the environment.
///
/// ```
/// gradflow::threads::set_limit(1);
/// assert_eq!(gradflow::threads::limit(), 1);
/// ```
pub fn set_limit(threads: usize) {
    CHOSEN.store(threads, Ordering::Relaxed);
}

/// Does `work` on every block, on as many threads as are free where `operations` in all are worth it. Blocks are taken
/// in order.
pub(crate) fn share<T: Send>(
    operations: f64,
    blocks: impl Iterator<Item = T> + Send,
    work: impl Fn(T) + Sync,
) {
    let most = blocks.size_hint().1.unwrap_or(usize::MAX).saturating_sub(1);
    let helpers = if operations < WORTH_SHARING { Vec::new() } else { Helper::hire(most) };
    if helpers.is_empty() {
        return blocks.for_each(work);
    }
    let queue = Mutex::new(blocks);
    let serve = || {
        loop {
            let block = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(block) = block else { return };
            work(block);
        }
    };
    let mut waiting = None;
    rayon::in_place_scope(|scope| {
        for helper in helpers {
            scope.spawn(|_| {
                let _helper = helper;
                serve();
            });
        }
        serve();
        waiting = Some(Waiting::begin());
    });
    drop(waiting);
}

/// Runs `work`, which shares itself out among that many tasks of rayon, on as many threads as are free.
pub(crate) fn in_shares<R: Send>(shares: usize, work: impl FnOnce() -> R + Send) -> R {
    let helpers = Helper::hire(shares.saturating_sub(1));
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    let found = pools.iter().position(|pool| pool.current_num_threads() == helpers.len() + 1);
    let pool = match found {
        Some(i) => Ok(pools.swap_remove(i)),
        None => rayon::ThreadPoolBuilder::new().num_threads(helpers.len() + 1).build(),
    };
    drop(pools);
    // A system that gives no threads leaves the work to whatever rayon has.
    let Ok(pool) = pool else { return work() };
    let result = pool.install(work);
    POOLS.lock().unwrap_or_else(PoisonError::into_inner).push(pool);
    result
}

/// A helper's place in the budget, given back when dropped.
struct Helper;

impl Helper {
    /// As many as are free, `most` of them at most.
    fn hire(most: usize) -> Vec<Helper> {
        let budget = isize::try_from(limit() - 1).unwrap_or(isize::MAX);
        let mut hired = Vec::new();
        while hired.len() < most {
            let claim = |helping| (helping < budget).then_some(helping + 1);
            if HELPING.fetch_update(Ordering::Relaxed, Ordering::Relaxed, claim).is_err() {
                break;
            }
            hired.push(Helper);
        }
        hired
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        HELPING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A caller that has run out of blocks: somebody else may use its core until its helpers are done.
struct Waiting;

impl Waiting {
    fn begin() -> Self {
        HELPING.fetch_sub(1, Ordering::Relaxed);
        Waiting
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        HELPING.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn every_block_is_done_once_nested_or_not() {
        let sum = AtomicU64::new(0);
        share(f64::INFINITY, 0..20_u64, |outer| {
            share(f64::INFINITY, 0..30_u64, |inner| {
                sum.fetch_add(31_u64.pow(2) * outer + inner, Ordering::Relaxed);
            });
        });
        let wanted: u64 = (0..20).flat_map(|o| (0..30).map(move |i| 31_u64.pow(2) * o + i)).sum();
        assert_eq!(sum.into_inner(), wanted);
        share(f64::INFINITY, std::iter::empty::<()>(), |()| unreachable!("no block"));
    }
}
