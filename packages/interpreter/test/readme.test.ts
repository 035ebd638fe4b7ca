import { testReadme } from '@framewright/testkit'

const readme = new URL('../README.md', import.meta.url)
testReadme(readme)
testReadme(new URL('../../../docs/clif.md', import.meta.url), readme)
