//! Lipschitz constants of Dh from below, by seeded sampling and ascent.
