// Read and write MCAP files with the official library.
//
//   node mcap_tool.cjs read FILE       its messages and statistics, as JSON: in
//                                      log time order through the index, and as
//                                      they stand in the file
//   node mcap_tool.cjs write FILE KIND  three messages, KIND: none, zstd, plain
//                                      (without chunks)
"use strict";
const fs = require("node:fs");
const { McapIndexedReader, McapStreamReader, McapWriter } = require("@mcap/core");
const zstd = require("@foxglove/wasm-zstd");

const decompressHandlers = {
	zstd: (data, size) => zstd.decompress(data, Number(size)),
};

class File {
	constructor(path) {
		this.fd = fs.openSync(path, "r");
	}
	async size() {
		return BigInt(fs.fstatSync(this.fd).size);
	}
	async read(offset, length) {
		const bytes = new Uint8Array(Number(length));
		if (fs.readSync(this.fd, bytes, 0, bytes.length, Number(offset)) !== bytes.length)
			throw new Error("the file ends early");
		return bytes;
	}
}

function show(message, channels) {
	const channel = channels.get(message.channelId);
	return {
		topic: channel.topic,
		encoding: channel.messageEncoding,
		schema: channel.schemaId,
		metadata: Object.fromEntries(channel.metadata),
		sequence: message.sequence,
		time_ns: String(message.logTime),
		data: Buffer.from(message.data).toString("base64"),
	};
}

async function read(path) {
	const reader = await McapIndexedReader.Initialize({ readable: new File(path), decompressHandlers });
	const indexed = [];
	for await (const message of reader.readMessages())
		indexed.push(show(message, reader.channelsById));

	const stream = new McapStreamReader({ decompressHandlers, validateCrcs: true });
	const streamed = [];
	const channels = new Map();
	stream.append(fs.readFileSync(path));
	for (let record; (record = stream.nextRecord()); ) {
		if (record.type === "Channel")
			channels.set(record.id, record);
		else if (record.type === "Message")
			streamed.push(show(record, channels));
	}
	if (!stream.done())
		throw new Error("the file is not whole");
	const s = reader.statistics;
	console.log(JSON.stringify({
		library: reader.header.library,
		indexed,
		streamed,
		schemas: [...reader.schemasById.values()].map((x) => ({ name: x.name, encoding: x.encoding,
			data: Buffer.from(x.data).toString() })),
		statistics: { messages: String(s.messageCount), schemas: s.schemaCount, channels: s.channelCount,
			chunks: s.chunkCount, first: String(s.messageStartTime), last: String(s.messageEndTime),
			counts: [...s.channelMessageCounts.values()].map(String) },
		offsets: reader.summaryOffsetsByOpcode ? reader.summaryOffsetsByOpcode.size : null,
		chunks: reader.chunkIndexes.map((c) => String(c.messageIndexLength)),
	}));
}

async function write(path, kind) {
	const fd = fs.openSync(path, "w");
	let position = 0n;
	const writer = new McapWriter({
		writable: {
			position: () => position,
			write: async (bytes) => {
				fs.writeSync(fd, bytes);
				position += BigInt(bytes.length);
			},
		},
		useChunks: kind !== "plain",
		compressChunk: kind === "zstd" ? (data) => ({ compression: "zstd", compressedData: zstd.compress(data) }) : undefined,
	});
	await writer.start({ profile: "", library: "test" });
	const schemaId = await writer.registerSchema({ name: "s", encoding: "jsonschema", data: new Uint8Array() });
	const json = await writer.registerChannel({ schemaId, topic: "/t", messageEncoding: "json", metadata: new Map() });
	const cdr = await writer.registerChannel({ schemaId: 0, topic: "/b", messageEncoding: "cdr",
		metadata: new Map([["other", "x"]]) });
	const message = (channelId, logTime, data) => writer.addMessage({ channelId, sequence: 0, logTime, publishTime: logTime,
		data: Buffer.from(data) });
	await message(json, 1700000000000000002n, '{"event":"state","data":{"source_id":7}}');
	await message(cdr, 1700000000000000001n, "\x00\x01");
	await message(json, 1700000000000000003n, '{"event":"x"}');
	await writer.end();
}

zstd.isLoaded
	.then(() => (process.argv[2] === "read" ? read(process.argv[3]) : write(process.argv[3], process.argv[4])))
	.catch((error) => {
		console.error(error);
		process.exit(1);
	});
