import { readFileSync } from 'node:fs'

const usage = `usage: framewright <command> [options]

  -h, --help   print this text
  --version    print the version
`

/** Runs the command line and returns the exit code: 0 done, 1 wrong input, 2 wrong usage. */
export function main(argv: readonly string[]): number {
  if (argv.includes('--version')) {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    process.stdout.write(`framewright ${version}\n`)
    return 0
  }
  if (argv.length === 0 || argv.includes('-h') || argv.includes('--help')) {
    process.stdout.write(usage)
    return 0
  }
  process.stderr.write(usage)
  return 2
}
