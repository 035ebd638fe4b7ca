// The entry of `npm run …`: installs what the lockfile names, then runs one task. Needs node and npm alone.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' }
// `npm run` exports its own settings as npm_*; inner tools would read them as theirs.
for (const key of Object.keys(env)) if (/^npm_(?!config_(registry|cache|cafile)$)/i.test(key)) delete env[key]
const pathKey = Object.keys(env).find((key) => key.toLowerCase() === 'path') ?? 'PATH'
env[pathKey] = join(root, 'node_modules/.bin') + delimiter + env[pathKey]

/** Runs a command and returns its exit code. */
function attempt(command, args) {
  const shell = process.platform === 'win32' && command !== process.execPath
  const result = spawnSync(command, args, { cwd: root, env, stdio: 'inherit', shell })
  if (result.error) throw result.error
  return result.status ?? 1
}

function run(command, args) {
  const status = attempt(command, args)
  if (status !== 0) process.exit(status)
}

function install() {
  const lock = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8')
  const stamp = join(root, 'node_modules/.dev-lock.yaml') // the lockfile that this node_modules was made from
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  run('npx', ['--yes', packageManager, 'install', '--frozen-lockfile'])
  writeFileSync(stamp, lock)
}

const build = ['turbo', ['run', 'build', '--output-logs=errors-only']]
const biome = ['check', '--diagnostic-level=error']

/** Everything that is checked. The last line printed is the sum of it all. */
function test(vitestArgs) {
  const sum = { passed: 0, failed: 0, skipped: 0 }
  const failures = []
  const check = (name, command, args) => {
    const ok = attempt(command, args) === 0
    sum[ok ? 'passed' : 'failed']++
    if (!ok) failures.push(name)
  }
  const scratch = mkdtempSync(join(tmpdir(), 'framewright-'))
  /** Runs a step that writes its counts to a file; without one, or with a bad exit and no failure, counts one failure. */
  const counted = (name, command, args, read) => {
    const file = join(scratch, `${name}.json`)
    const status = attempt(command, args(file))
    const counts = { passed: 0, failed: 0, skipped: 0 }
    if (existsSync(file)) Object.assign(counts, read(JSON.parse(readFileSync(file, 'utf8'))))
    if (status !== 0 && counts.failed === 0) counts.failed = 1
    for (const key of Object.keys(sum)) sum[key] += counts[key]
    if (counts.failed > 0) failures.push(name)
  }
  try {
    check('build', ...build)
    check('lint and format (npm run format repairs most of it)', 'biome', biome)
    check('types of the tests', 'tsc', ['-p', 'tsconfig.test.json'])
    check('package boundaries', 'turbo', ['boundaries'])
    counted(
      'vitest',
      'vitest',
      (file) => ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...vitestArgs],
      (report) => ({
        passed: report.numPassedTests,
        // A file that fails before its first test is one failure.
        failed:
          report.numFailedTests +
          report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length,
        skipped: report.numPendingTests + report.numTodoTests,
      }),
    )
    if (vitestArgs.length === 0) {
      counted(
        'packages',
        process.execPath,
        (file) => ['scripts/package-check.mjs', file],
        (report) => report,
      )
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  for (const name of failures) console.log(`failed: ${name}`)
  const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''
  console.log(`${sum.passed} passed, ${sum.failed} failed${skipped}`)
  process.exitCode = sum.failed > 0 ? 1 : 0
}

const [task, ...rest] = process.argv.slice(2)
install()
if (task === 'build') run(build[0], [...build[1], ...rest])
else if (task === 'test') test(rest)
else if (task === 'bench') {
  run(...build)
  run(process.execPath, ['bench/run.mjs', ...rest])
} else if (task === 'demo') {
  run(...build)
  run(process.execPath, ['packages/cli/bin/framewright.js', 'demo', ...rest])
} else if (task === 'docs') run(process.execPath, ['scripts/api-reference/generate.mjs', ...rest])
else if (task === 'lint') run('biome', [...biome, ...rest])
else if (task === 'format') run('biome', [...biome, '--write', ...rest])
else if (task !== 'install') run(task, rest)
