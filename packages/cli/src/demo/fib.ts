// What the demo shows where there are no examples: in a folder that is not the project's.

export const fibText: string = `function %fib(i64) -> i64 {
    fn0 = colocated %fib(i64) -> i64

block0(v0: i64):
    v1 = iconst.i64 2
    v2 = icmp ult v0, v1
    brif v2, block1, block2

block1:
    return v0

block2:
    v3 = iconst.i64 1
    v4 = isub v0, v3
    v5 = call fn0(v4)
    v6 = isub v0, v1
    v7 = call fn0(v6)
    v8 = iadd v5, v7
    return v8
}
`
