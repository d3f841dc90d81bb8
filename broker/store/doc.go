// Package store implements broker.Store: what every node of the broker remembers, for a time.
//
// It owns three things that fit together in one way only. [Memory] keeps entries in the process, [Redis] on one Redis
// server, and [Sealed] stands in front of either: it encrypts values and hides names. Redis has no exported way to
// read or write, only NewSealed can use one, so that Redis without a sealing key cannot be built (invariant 4 of
// design.md section 9). [Open] does the whole of it from a configuration.
//
// What a batch promises (Do of every store here):
//   - the operations of one batch happen in order, and one operation is atomic against every other caller: of any
//     number of OpAdd of one key exactly one finds nothing there, of any number of OpTake exactly one gets the value;
//   - a batch is one round trip and is not isolated: other callers may come between two of its operations;
//   - a batch fails as a whole. After an error some operations may have happened and the caller must not act as if
//     any had. In particular nothing here retries: a SET NX whose answer was lost may have left its mark, and asking
//     again would take the caller's own mark for somebody else's. A one-use proof is then spent without effect, which
//     is the safe side; the person signs in again.
//   - Do with no operations asks whether the store answers.
//
// An entry is never forgotten before its time. Memory refuses writes when it is full ([ErrFull]) and evicts nothing;
// Redis must run with maxmemory-policy noeviction, and a server that is known to evict is refused at start.
//
// A store that was emptied (FLUSHALL, a lost disk) cannot know which proofs were used. The recipe of the core: it
// sends OpAdd("floor", now, Forever) in the same batch as each one-use mark. The answer is the time from which this
// store remembers; a proof issued before it is refused. On Redis without persistence a restart is such a loss too, so
// persistence (appendonly yes) is advised and its absence costs sign-ins that were under way, never safety.
// Asynchronous replication may lose acknowledged writes when a replica takes over, marks among them: what was used in
// the last moments before such a failover may then be used once more while it is still valid.
//
// Sealing. A value is AES-256-GCM under a key of its own entry, HMAC-SHA256(HKDF(ring key), logical name), so that
// random nonces never come near their bound; the header holds format and key id, and header and logical name are
// associated data. A value that was edited, cut, or copied from another entry does not open, and the batch fails with
// [ErrNotOpened]: neither absent (that would make a spent proof fresh) nor served. Names on the wire are the first
// 128 bits of an HMAC under a random key that the first node leaves in the store, sealed (the anchor). Every batch
// reads the anchor at its end: a node that finds it gone or changed fails that batch and joins the new one, so that
// two nodes never look for one mark in two places. Rotation therefore moves no names: add the new key to the ring of
// every node, then make it active. The old one may be dropped once every entry that it sealed is gone; entries that are
// kept forever never go by themselves, so in practice it stays.
package store
