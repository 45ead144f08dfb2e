// Package schema keeps what is known in SQL: migrations and one store file per noun, for SQLite (one file, no server) and for PostgreSQL.
// All SQL of the project lives here.
//
// Three rules hold everywhere:
//   - Knowledge is only ever added. What was believed at a moment K is read with known_at <= K, and every later replay reads the same,
//     because the moment is stamped inside the writing transaction and Know waits for those that are under way.
//   - A fact, the outbox row that tells others of it and the due row that asks for a new grade land in one transaction.
//   - A text is never NULL: the empty text is "nothing" on both engines. Instants are whole microseconds in UTC, days are registry.Day.
package schema
