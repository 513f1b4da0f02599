// Makes contracts.json from TestTokens.sol. By hand, after a change: npm install solc@0.8.30, then node compile.js.
const fs = require("fs");
const solc = require("solc");

const settings = { optimizer: { enabled: true, runs: 200 }, evmVersion: "cancun", metadata: { bytecodeHash: "none" } };
const outputSelection = { "*": { "*": ["abi", "evm.bytecode.object"] } };
const sources = { "TestTokens.sol": { content: fs.readFileSync("TestTokens.sol", "utf8") } };
const made = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings: { ...settings, outputSelection } })));
if (made.errors) throw new Error(made.errors.map((error) => error.formattedMessage).join("\n"));
const contracts = Object.entries(made.contracts["TestTokens.sol"]).map(([name, { abi, evm }]) => [name, { abi, bytecode: `0x${evm.bytecode.object}` }]);
const compiler = `solc ${solc.version().split(".Emscripten")[0]}`;
fs.writeFileSync("contracts.json", `${JSON.stringify({ compiler, settings, contracts: Object.fromEntries(contracts) }, null, 1)}\n`);
