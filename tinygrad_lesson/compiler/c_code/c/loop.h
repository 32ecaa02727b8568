/* Many steps in one call: what a step leaves behind is what the next one starts from.
 *
 * Behind the addresses of a step, at p[count], stands the address of what there is to do: how many
 * addresses there are, with those behind this one; how many steps; by how many numbers the table of
 * Python numbers goes on; then three lists of pairs, each after its length. Between two steps the
 * first of a pair becomes an address that was just written, two addresses take turns, or one goes on
 * by so many bytes.
 */
typedef i32 (*one_step)(void **p, char *arena, const f64 *n, i64 me, meeting *m);

static i32 many_steps(one_step step, i64 count, void **p, char *arena, const f64 *n, i64 me,
                      meeting *m) {
    const i64 *told = p[count], steps = told[1], numbers = told[2];
    void *now[told[0]]; /* each thread has its own */
    memcpy(now, p, told[0] * sizeof *p);
    i32 bad = 0;
    for (i64 done = 0; done < steps; done++, n += numbers) {
        if (done) {
            const i64 *at = told + 3;
            for (i64 left = *at++; left; left--, at += 2) now[at[0]] = now[at[1]];
            for (i64 left = *at++; left; left--, at += 2) {
                void *written = now[at[0]];
                now[at[0]] = now[at[1]];
                now[at[1]] = written;
            }
            for (i64 left = *at++; left; left--, at += 2) now[at[0]] = (char *)now[at[0]] + at[1];
        }
        bad |= step(now, arena, n, me, m);
    }
    return bad;
}
