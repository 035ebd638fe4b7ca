// Looks at the packages as a stranger gets them: packs each, lints the tarballs, installs them all with plain npm into
// an empty project, type-checks and loads every entry point there.
//
//   node scripts/package-check.mjs [counts.json]     after a build
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const binaries = join(root, 'node_modules/.bin')
const env = { ...process.env, PATH: binaries + delimiter + process.env.PATH }

const manifest = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
const packages = readdirSync(join(root, 'packages'))
  .map((name) => manifest(join(root, 'packages', name)))
  .filter((pkg) => !pkg.private)
const { devDependencies } = manifest(root)
const fastCheck = manifest(join(root, 'node_modules/fast-check')).version

const sum = { passed: 0, failed: 0, skipped: 0 }

/** One test: a command that must exit with 0. Its output is shown only when it does not. */
function check(name, command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32' && command !== process.execPath,
    ...options,
  })
  const ok = result.status === 0
  record(name, ok, `${result.error ?? ''}${result.stdout ?? ''}${result.stderr ?? ''}`)
  return ok ? result.stdout : null
}

function record(name, ok, detail) {
  sum[ok ? 'passed' : 'failed']++
  console.log(` ${ok ? '✓' : '×'} ${name}`)
  if (!ok) console.log(detail)
}

function main(scratch) {
  const tarballs = join(scratch, 'tarballs')
  mkdirSync(tarballs)
  const filters = packages.map((pkg) => `--filter=${pkg.name}`)
  if (check('pack', 'pnpm', [...filters, '-r', 'pack', '--pack-destination', tarballs]) === null) return
  const files = packages.map((pkg) =>
    join(tarballs, `${pkg.name.replace('@', '').replace('/', '-')}-${pkg.version}.tgz`),
  )
  packages.forEach((pkg, index) => {
    check(`${pkg.name}: publint`, 'publint', ['run', files[index], '--strict'])
    check(`${pkg.name}: are the types wrong`, 'attw', [files[index], '--profile', 'esm-only', '--no-emoji'])
    const list = spawnSync('tar', ['-tzf', files[index]], { encoding: 'utf8' }).stdout.split('\n')
    const entries = Object.values(pkg.exports).flatMap((target) =>
      typeof target === 'string' ? [target] : [target.types, target.default],
    )
    const wanted = ['LICENSE', 'README.md', ...entries].map((file) => `package/${file.replace(/^\.\//, '')}`)
    const absent = wanted.filter((file) => !list.includes(file))
    const surplus = list.filter((file) => /tsbuildinfo|\.test\.ts/.test(file))
    const detail = `absent: ${absent.join(' ')}; surplus: ${surplus.join(' ')}`
    record(`${pkg.name}: holds what it should`, absent.length + surplus.length === 0, detail)
  })

  const project = join(scratch, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "name": "outsider", "private": true, "type": "module" }\n')
  const npm = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  // fast-check is what the /testing entry points ask for; the Node types are for the command.
  const others = [`fast-check@${fastCheck}`, `@types/node@${devDependencies['@types/node']}`]
  if (check('npm install in an empty project', 'npm', [...npm, ...files, ...others], { cwd: project }) === null) return

  const specifiers = packages.flatMap((pkg) =>
    Object.keys(pkg.exports)
      .filter((key) => key !== './package.json')
      .map((key) => pkg.name + key.slice(1)),
  )
  // Schemas are entry points too.
  const isJson = (specifier) => specifier.endsWith('.json')
  const lines = specifiers.map((specifier, index) =>
    isJson(specifier)
      ? `import m${index} from '${specifier}' with { type: 'json' }`
      : `import * as m${index} from '${specifier}'`,
  )
  const used = specifiers.map((_, index) => `m${index}`).join(', ')
  writeFileSync(join(project, 'all.ts'), `${lines.join('\n')}\n\nexport const all: readonly object[] = [${used}]\n`)
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'es2023',
        lib: ['es2023'],
        types: ['node'],
        module: 'nodenext',
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
        noEmit: true,
      },
      files: ['all.ts'],
    }),
  )
  check('types of every entry point, strict, from outside', 'tsc', ['-p', project])
  for (const specifier of specifiers) {
    const options = isJson(specifier) ? ", { with: { type: 'json' } }" : ''
    const load = `await import(${JSON.stringify(specifier)}${options})`
    check(`${specifier} loads`, process.execPath, ['--input-type=module', '-e', load], { cwd: project })
  }
  for (const pkg of packages) {
    for (const name of Object.keys(pkg.bin ?? {})) {
      check(`npx ${name} --version`, 'npx', ['--no-install', name, '--version'], {
        cwd: project,
        env: { ...process.env },
      })
    }
  }
}

const scratch = mkdtempSync(join(tmpdir(), 'framewright-packages-'))
try {
  main(scratch)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
console.log(`packages: ${sum.passed} passed, ${sum.failed} failed`)
if (process.argv[2] !== undefined) writeFileSync(process.argv[2], JSON.stringify(sum))
process.exitCode = sum.failed > 0 ? 1 : 0
