{{- define "mesh-assets.labels" -}}
{{ include "mesh-assets.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "mesh-assets.selector" -}}
app.kubernetes.io/name: mesh-assets
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "mesh-assets.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default .Release.Name -}}
{{- end }}

{{- define "mesh-assets.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}

{{- /* A Deployment. `root`: the chart; `component`: mcp or service; `settings`: its values; `args`, `env`, `probes`: YAML;
       `secrets`: names of those that become its environment. */ -}}
{{- define "mesh-assets.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .root.Release.Name }}-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "mesh-assets.labels" . | nindent 4 }}
spec:
  replicas: {{ .settings.replicas }}
  selector:
    matchLabels: {{- include "mesh-assets.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "mesh-assets.labels" . | nindent 8 }}
        {{- with .root.Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .root.Values.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- with .root.Values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      serviceAccountName: {{ include "mesh-assets.serviceAccountName" .root }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        fsGroup: 10001
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: {{ .component }}
          image: {{ include "mesh-assets.image" .root | quote }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args: {{- .args | nindent 12 }}
          env:
            - {name: MESH_ESTATE, value: /etc/mesh-assets/estate.yaml}
            - {name: HOME, value: /tmp}
            {{- .env | nindent 12 }}
          {{- if or .root.Values.environmentConfigMaps .secrets }}
          envFrom:
            {{- range .root.Values.environmentConfigMaps }}
            - configMapRef: {name: {{ . }}}
            {{- end }}
            {{- range .secrets }}
            - secretRef: {name: {{ . }}}
            {{- end }}
          {{- end }}
          ports:
            - {name: http, containerPort: {{ .settings.port }}, protocol: TCP}
          {{- .probes | nindent 10 }}
          resources: {{- toYaml .settings.resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          volumeMounts:
            - {name: estate, mountPath: /etc/mesh-assets, readOnly: true}
            - {name: scratch, mountPath: /tmp}
      volumes:
        - name: estate
          configMap: {name: {{ .root.Values.estate.configMap }}}
        - name: scratch
          emptyDir: {sizeLimit: 1Gi}
      {{- with .root.Values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .root.Values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .root.Values.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .root.Values.topologySpreadConstraints }}
      topologySpreadConstraints: {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}

{{- define "mesh-assets.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .root.Release.Name }}-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "mesh-assets.labels" . | nindent 4 }}
spec:
  type: ClusterIP
  selector: {{- include "mesh-assets.selector" . | nindent 4 }}
  ports:
    - {name: http, port: {{ .settings.port }}, targetPort: http, protocol: TCP}
{{- end }}

{{- /* The hash of a token, from a Secret. `name`: of the variable; `token`: secret and key. */ -}}
{{- define "mesh-assets.token" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef: {name: {{ .token.secret }}, key: {{ .token.key }}}
{{- end }}

{{- /* `ready`: the path that says whether it can answer. */ -}}
{{- define "mesh-assets.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 3
  failureThreshold: 40
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 20
  timeoutSeconds: 10
  failureThreshold: 6
readinessProbe:
  httpGet: {path: {{ .ready | quote }}, port: http}
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 3
{{- end }}
