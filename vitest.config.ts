import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const packages = readdirSync(join(import.meta.dirname, 'packages')).filter((name) =>
  existsSync(join(import.meta.dirname, 'packages', name, 'package.json')),
)

const project = (name: string, root: string) => ({
  extends: true as const,
  test: { name, root, include: ['test/**/*.test.ts'] },
})

export default defineConfig({
  // Packages resolve to their sources: no build is needed to run a test.
  ssr: { resolve: { conditions: ['@framewright/source', 'module', 'node', 'import', 'default'] } },
  test: {
    passWithNoTests: true,
    testTimeout: 60_000,
    projects: [...packages.map((name) => project(name, `packages/${name}`)), project('workspace', '.')],
  },
})
