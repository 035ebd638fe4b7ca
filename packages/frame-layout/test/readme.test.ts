import { testReadme } from '@framewright/testkit'

const readme = new URL('../README.md', import.meta.url)
testReadme(readme)
testReadme(new URL('../../../docs/writing-an-unwind-format.md', import.meta.url), readme)
