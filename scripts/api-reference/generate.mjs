// The API reference of every published package, made from the sources:
//
//   npm run docs                                       writes build/api/index.html and what belongs to it
//   node scripts/api-reference/generate.mjs --check    writes nothing, and says what is wrong
//
// Wrong is a warning of typedoc: an exported symbol without a docstring, a link that leads nowhere, a type that a public
// signature names and no entry point exports. One program holds all packages, so that a type of another package is a link.

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application, Converter, MinimalSourceFile, normalizePath, ReflectionKind } from 'typedoc'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '../..')
const check = process.argv.includes('--check')

/** Every public entry point: the specifier one imports, the source file behind it, the folder of its package. */
const entries = readdirSync(join(root, 'packages')).flatMap((folder) => {
  const directory = join(root, 'packages', folder)
  const { name, private: hidden, exports } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  if (hidden) return []
  return Object.entries(exports).flatMap(([subpath, target]) => {
    const source = target['@framewright/source']
    return source === undefined
      ? []
      : [{ specifier: name + subpath.slice(1), source: join(directory, source), directory }]
  })
})

const app = await Application.bootstrap({
  name: 'Framewright',
  entryPoints: entries.map(({ source }) => source),
  tsconfig: join(here, 'tsconfig.json'),
  basePath: root,
  out: join(root, 'build/api'),
  readme: join(root, 'README.md'),
  projectDocuments: [join(root, 'docs/*.md'), join(root, 'CONTRIBUTING.md')],
  // The types are checked elsewhere, by the compiler that the packages are built with.
  skipErrorChecking: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true, // what our errors inherit from Error
  sort: ['source-order'],
  // No file says where the sources are published; links to lines are left to who builds the pages for a site.
  disableGit: true,
  sourceLinkTemplate: '{path}#{line}',
  sourceLinkExternal: true,
  githubPages: false,
  hideGenerator: true,
  highlightLanguages: ['ts', 'text', 'sh', 'console', 'json', 'asm', 'rust', 'c'],
  validation: { notExported: true, invalidLink: true, invalidPath: true, rewrittenLink: true },
})

// A module is called as one imports it, and opens with the README of its package.
app.converter.on(
  Converter.EVENT_RESOLVE_BEGIN,
  (context) => {
    const { project } = context
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
      const file = module.sources?.[0]?.fullFileName
      const entry = entries.find(({ source }) => normalizePath(source) === file)
      if (entry === undefined) throw new Error(`${module.name} is no entry point`)
      module.name = entry.specifier
      if (entry.specifier.split('/').length > 2) continue
      const readme = normalizePath(join(entry.directory, 'README.md'))
      const text = readFileSync(readme, 'utf8').replace(/^# .*\n/, '')
      module.readme = app.converter.parseRawComment(new MinimalSourceFile(text, readme), project.files).content
      project.files.registerReflectionPath(readme, module)
      project.files.registerReflectionPath(normalizePath(entry.directory), module)
    }
  },
  100,
)

/**
 * What has no docstring of an exported symbol: the symbol itself; and, in the packages that one may bring a code generator of
 * one's own to, each method of a class.
 */
function undocumented(module, symbol) {
  const documented = (one) => one.hasComment() || (one.signatures ?? []).some((signature) => signature.hasComment())
  const strict = /\/(?:frame-layout|unwind-[^/]+)$/.test(module.name)
  const methods = strict && symbol.kindOf(ReflectionKind.Class) ? symbol.getChildrenByKind(ReflectionKind.Method) : []
  return [symbol, ...methods]
    .filter((one) => !one.isReference() && !documented(one))
    .map((one) => {
      const place = one.sources?.[0]
      return `${place?.fileName}:${place?.line}: ${one.getFriendlyFullName()} has no docstring`
    })
}

const project = await app.convert()
if (project === undefined) process.exit(1)
app.validate(project)
for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
  for (const symbol of module.children ?? []) for (const one of undocumented(module, symbol)) app.logger.warn(one)
}
if (!check) {
  await app.generateOutputs(project)
  console.log(`${relative(process.cwd(), join(root, 'build/api/index.html'))}: ${entries.length} entry points`)
}
process.exitCode = app.logger.hasErrors() || app.logger.hasWarnings() ? 1 : 0
