// nginx with its own configuration, in the foreground: static files, and nchan's channels.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { folderNew, folderRemove, portFree, serverStart, until } from "./process.mjs";

const configuration = ({ folder, port, workers }) => `
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
daemon off;
worker_processes ${workers};
worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events { worker_connections 19500; }
http {
    access_log off;
    tcp_nodelay on;
    sendfile on;
    open_file_cache max=100;
    keepalive_requests 100000000;
    default_type application/json;
    client_body_temp_path ${folder}/body;
    proxy_temp_path ${folder}/proxy;
    fastcgi_temp_path ${folder}/fastcgi;
    uwsgi_temp_path ${folder}/uwsgi;
    scgi_temp_path ${folder}/scgi;
    nchan_shared_memory_size 512M;
    server {
        listen 127.0.0.1:${port} backlog=4096;
        root ${folder}/files;
        nchan_channel_id one;
        location = /listen { nchan_subscriber eventsource; nchan_subscriber_first_message newest; }
        location = /publish { nchan_publisher; }
    }
}
`;

export class Nginx {
    /** `files`: texts by name. */
    static async start({ workers = 2, files = {} } = {}) {
        const nginx = new Nginx();
        nginx.folder = folderNew();
        nginx.port = await portFree();
        chmodSync(nginx.folder, 0o755);
        mkdirSync(path.join(nginx.folder, "files"));
        for (const [name, text] of Object.entries({ ready: "ready", ...files }))
            writeFileSync(path.join(nginx.folder, "files", name), text);
        const file = path.join(nginx.folder, "nginx.conf");
        writeFileSync(file, configuration({ folder: nginx.folder, port: nginx.port, workers }));
        const args = ["-p", nginx.folder, "-c", file, "-e", `${nginx.folder}/error.log`];
        nginx.server = serverStart("/usr/sbin/nginx", args, { file: path.join(nginx.folder, "log") });
        await until(() => nginx.healthy(), "nginx");
        return nginx;
    }

    url(where) {
        return `http://127.0.0.1:${this.port}${where}`;
    }

    async healthy() {
        if (this.server.code !== undefined) throw this.server.failed();
        return fetch(this.url("/ready")).then(
            (answer) => answer.ok,
            () => false,
        );
    }

    request(method, where, body = "") {
        const length = method === "GET" ? "Accept: text/event-stream\r\n" : `Content-Length: ${body.length}\r\n`;
        return `${method} ${where} HTTP/1.1\r\nHost: 127.0.0.1:${this.port}\r\n${length}\r\n${body}`;
    }

    get pid() {
        return this.server.pid;
    }

    async stop() {
        await this.server.stop("SIGTERM");
        folderRemove(this.folder);
    }
}
