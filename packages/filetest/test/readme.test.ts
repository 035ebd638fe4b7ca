import { testReadme } from '@framewright/testkit'

testReadme(new URL('../README.md', import.meta.url))
